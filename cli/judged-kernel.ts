/**
 * A kernel from outside, held to its word: whatever it hands over is checked and copied, so that a wrong shape or a
 * value that changes later shows as the kernel's fault, at the operation that brought it.
 */
import type { z } from 'zod';
import { InputError } from '../contract/input-error.ts';
import type { KernelMemory, KernelModule } from '../contract/kernel-memory.ts';
import type { Operation } from '../contract/operation.ts';
import { EXIT } from './exit-status.ts';
import {
  auditSchema,
  cellSchema,
  declarationSchema,
  memoryImageSchema,
  pageTablesSchema,
  snapshotSchema,
  stepSchema,
  tlbSchema,
  touchedSchema,
} from './kernel-schema.ts';
import { firstIssue } from './scenario-schema.ts';
import { thrownText } from './thrown.ts';

/** An outside kernel broke its word or threw; the message is one line that names the place. */
export class KernelBroke extends InputError {
  constructor(message: string) {
    super(message, EXIT.kernel);
  }
}

type Methods = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Methods =>
  (typeof value === 'object' || typeof value === 'function') && value !== null;

/** What a value that is no object is, with its article. */
const kindOf = (value: unknown): string => (value === null ? 'null' : `a ${typeof value}`);

/** The module behind a default export, judged before anything runs. `label` names it in messages. */
export function judgedModule(exported: unknown, label: string): KernelModule {
  const fault = (what: string): KernelBroke => new KernelBroke(`kernel ${label}: ${what}`);
  if (exported === undefined) throw fault('has no default export; export default { declares, boot }');
  if (!isRecord(exported))
    throw fault(`its default export is ${kindOf(exported)}; export default { declares, boot }`);
  const declares = calledAt(label, 'declares', () => declarationSchema.safeParse(exported.declares));
  if (!declares.success)
    throw fault(
      isRecord(exported.declares)
        ? `declares.${firstIssue(declares.error)}`
        : 'its default export lacks declares: { name, operations, shows, placement }',
    );
  const { boot } = exported;
  if (typeof boot !== 'function') throw fault('its default export lacks boot(machine)');
  return {
    declares: declares.data,
    boot: (machine) =>
      judgedMemory(
        calledAt(label, 'boot', () => boot.call(exported, machine)),
        label,
        declares.data,
      ),
  };
}

const PROMISE = 'returned a promise; kernels answer at once, without async';

/** Whether a call answered with a promise, which is then kept from becoming an unhandled rejection too. */
function isPromise(value: unknown): boolean {
  if (!(value instanceof Promise)) return false;
  value.catch(() => undefined);
  return true;
}

function calledAt<Value>(label: string, place: string, run: () => Value): Value {
  try {
    return run();
  } catch (error) {
    throw new KernelBroke(`kernel ${label}: ${place}: threw ${thrownText(error)}`);
  }
}

/** The booted kernel; every answer goes through its schema. */
function judgedMemory(kernel: unknown, label: string, declares: KernelModule['declares']): KernelMemory {
  let place = 'boot';
  const ask = <Value>(what: string, schema: z.ZodType, run: () => unknown): Value => {
    const at = `${place}${what}`;
    const given = calledAt(label, at, run);
    if (isPromise(given)) throw new KernelBroke(`kernel ${label}: ${at}: ${PROMISE}`);
    // A getter in the answer is the kernel's code too.
    const answer = calledAt(label, at, () => schema.safeParse(given));
    if (!answer.success) throw new KernelBroke(`kernel ${label}: ${at}: ${firstIssue(answer.error)}`);
    return answer.data as Value;
  };
  if (isPromise(kernel)) throw new KernelBroke(`kernel ${label}: boot: ${PROMISE}`);
  if (!isRecord(kernel)) throw new KernelBroke(`kernel ${label}: boot: returned no kernel with apply()`);
  const method = (name: string): ((...args: unknown[]) => unknown) | undefined => {
    const value = kernel[name];
    if (value === undefined) return undefined;
    if (typeof value !== 'function')
      throw new KernelBroke(`kernel ${label}: boot: ${name} is not a function`);
    return (...args) => value.apply(kernel, args);
  };
  const [apply, snapshot, cell, touched, audit, pageTables, tlb, memoryImage] = methodsOf(method);
  if (apply === undefined) throw new KernelBroke(`kernel ${label}: boot: returned no kernel with apply()`);
  if (snapshot === undefined && declares.shows.some((show) => show !== 'outcomes'))
    throw new KernelBroke(
      `kernel ${label}: shows ${declares.shows.join(', ')} but has no snapshot(); add it or show outcomes only`,
    );
  const judged: { -readonly [Method in keyof KernelMemory]: KernelMemory[Method] } = {
    apply: (operation: Operation, number) => {
      place = `operation ${number} (${operation.kind})`;
      // A copy: a kernel that writes to its arguments harms neither the reference nor the stored scenario.
      const own = structuredClone(operation);
      return ask('', stepSchema, () => apply(own, number));
    },
  };
  if (snapshot) judged.snapshot = (options) => ask(': snapshot', snapshotSchema, () => snapshot(options));
  if (cell)
    judged.cell = (name) => {
      const schema = cellSchema(name);
      if (schema === undefined) throw new KernelBroke(`kernel ${label}: ${place}: no cell is called ${name}`);
      return ask(`: cell ${name}`, schema, () => cell(name));
    };
  if (touched) judged.touched = () => ask(': touched', touchedSchema, touched);
  if (audit) judged.audit = () => ask(': audit', auditSchema, audit);
  if (pageTables) judged.pageTables = () => ask(': pageTables', pageTablesSchema, pageTables);
  if (tlb) judged.tlb = () => ask(': tlb', tlbSchema, tlb);
  if (memoryImage) judged.memoryImage = () => ask(': memoryImage', memoryImageSchema, memoryImage);
  return judged;
}

const methodsOf = <Found>(method: (name: string) => Found): Found[] =>
  ['apply', 'snapshot', 'cell', 'touched', 'audit', 'pageTables', 'tlb', 'memoryImage'].map(method);
