/** Our own faulty kernels by name, as stored cases and `--kernel` name them: `fault:unwire-needs-pte`. */
import { InputError } from '../contract/input-error.ts';
import type { KernelModule } from '../contract/kernel-memory.ts';
import { nearest, quoted } from './nearest.ts';

const PREFIX = 'fault:';

/** True for the name of one of our faults, whether there is such a one or not. */
export const isFaultName = (kernel: string): boolean => kernel.startsWith(PREFIX);

/** True where faulty kernels can be made: in a clone, with its sources and the compiler. */
export async function faultsAreHere(): Promise<boolean> {
  const { canLoadFaults } = await import('../faults/load.ts');
  return canLoadFaults();
}

/** The faulty kernel of that name; null where there is none of it. Throws InputError outside a clone. */
export async function faultKernel(kernel: string): Promise<KernelModule | null> {
  if (!(await faultsAreHere()))
    throw new InputError(`kernel ${kernel}: needs the TypeScript sources; run it in a clone after npm ci`);
  const fault = (await allFaults()).find(({ name }) => PREFIX + name === kernel);
  if (fault === undefined) return null;
  const { loadFaultyKernel } = await import('../faults/load.ts');
  return loadFaultyKernel(fault);
}

async function allFaults() {
  const [{ SOUGHT }, { DEVIATION_FAULTS }] = await Promise.all([
    import('../faults/sought.ts'),
    import('../faults/deviations.ts'),
  ]);
  return [...Object.values(SOUGHT).flat(), ...DEVIATION_FAULTS];
}

/** The faulty kernel of that name; InputError with the nearest name where there is none. */
export async function faultKernelOrRefuse(kernel: string): Promise<KernelModule> {
  const found = await faultKernel(kernel);
  if (found !== null) return found;
  throw await unknownFault(kernel);
}

/** Throws InputError, with the nearest name, where no fault is called so; needs no sources. */
export async function refuseUnknownFault(kernel: string): Promise<void> {
  if (!(await faultTable()).some(({ name }) => name === kernel)) throw await unknownFault(kernel);
}

async function unknownFault(kernel: string): Promise<InputError> {
  const names = (await faultTable()).map(({ name }) => name);
  const best = nearest(kernel, names);
  return new InputError(
    `kernel ${quoted(kernel)}: no fault is called so; ${best === undefined ? 'vmlockstep list faults names them all' : `did you mean '${best}'?`}`,
  );
}

/** Our faulty kernels by the names that `--kernel` takes, and what each puts back or gets wrong. */
export const faultTable = async (): Promise<{ readonly name: string; readonly source: string }[]> =>
  (await allFaults()).map(({ name, source }) => ({ name: PREFIX + name, source }));
