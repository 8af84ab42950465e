/** Finds and loads the module behind `--kernel`. */
import { existsSync, statSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { address, bytes } from '../contract/address.ts';
import type { KernelMemory, KernelModule } from '../contract/kernel-memory.ts';
import type { MachineConfig } from '../contract/machine.ts';
import { faultKernelOrRefuse, isFaultName } from './fault-kernel.ts';
import { judgedModule, KernelBroke } from './judged-kernel.ts';
import { loadErrorText } from './thrown.ts';

/** A small plain machine on which a kernel must at least boot. */
const PROBE: MachineConfig = {
  managedPages: 16,
  deviceFrames: 0,
  kernelMin: address(0xfe00_0000),
  kernelStart: address(0xfe00_2000),
  kernelMax: address(0xfe04_0000),
  mapEntries: 32,
  staticMaps: 4,
  kmemObjectSize: bytes(0x2_0000),
  freeMin: 0,
  freeTarget: 0,
  inactiveTarget: 0,
  reserved: [],
  scratchPages: 0,
  scratchWindow: null,
};

/** True for what names a file, whether there is one or not, and no package. */
export const looksLikePath = (name: string): boolean =>
  /^(\.{0,2}\/|[A-Za-z]:[\\/])|\.[cm]?[jt]s$/.test(name);

/** The file of a path, or of a package as the working directory sees it. */
function moduleUrl(name: string, directory: string): string {
  const path = resolve(directory, name);
  if (existsSync(path)) {
    if (statSync(path).isDirectory())
      throw new KernelBroke(`kernel ${name}: is a directory; name the module in it`);
    return pathToFileURL(path).href;
  }
  if (isBuiltin(name))
    throw new KernelBroke(`kernel ${name}: is a module of Node, no kernel; give a path such as ./kernel.ts`);
  if (looksLikePath(name))
    throw new KernelBroke(`kernel ${name}: there is no such file; give a path or a package`);
  try {
    return pathToFileURL(createRequire(join(directory, 'package.json')).resolve(name)).href;
  } catch {
    throw new KernelBroke(
      `kernel ${name}: no such file or installed package; give a path such as ./kernel.ts`,
    );
  }
}

type Exports = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Exports => typeof value === 'object' && value !== null;

/** The default export; a module that went through require wraps it once more. */
export function defaultExport(exports: Exports): unknown {
  const { default: exported } = exports;
  return isObject(exported) && 'default' in exported && !('boot' in exported) ? exported.default : exported;
}

/** Methods that are there and will not be called, since only outcomes are shown; null where there is none. */
function unaskedNote(kernel: KernelMemory, { declares }: KernelModule): string | null {
  if (declares.shows.some((show) => show !== 'outcomes')) return null;
  const optional = ['snapshot', 'cell', 'touched', 'audit', 'pageTables', 'tlb'] as const;
  const unasked = optional.filter((method) => kernel[method] !== undefined).map((method) => `${method}()`);
  return unasked.length === 0
    ? null
    : `shows only outcomes, so ${unasked.join(', ')} ${unasked.length === 1 ? 'is' : 'are'} never asked; ` +
        'declare what snapshot() shows to have it judged';
}

/** Who wants to hear how the loading goes. */
export interface LoadTies {
  /** What is odd but no fault. */
  note(text: string): void;
  /** The module's own code is done, in vain; what is still to do is ours. */
  failed(): void;
  /** The module is there; it boots now. */
  boots(): void;
}

/**
 * Loads the default export of a module and boots it once on a small machine. Every fault is a KernelBroke with one
 * line; the kernel itself is judged at each later call too.
 */
export async function loadKernelModule(
  name: string,
  directory: string,
  { note, failed, boots }: LoadTies,
): Promise<KernelModule> {
  if (isFaultName(name)) return faultKernelOrRefuse(name);
  const url = moduleUrl(name, directory);
  let exports: Exports;
  try {
    exports = (await import(url)) as Exports;
  } catch (error) {
    failed();
    throw new KernelBroke(`kernel ${name}: cannot be loaded: ${loadErrorText(error, fileURLToPath(url))}`);
  }
  const module = judgedModule(defaultExport(exports), name);
  boots();
  const kernel = module.boot(PROBE);
  const unasked = unaskedNote(kernel, module);
  if (unasked === null) kernel.snapshot?.({ contents: true });
  else note(`kernel ${name}: ${unasked}`);
  return module;
}
