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
  pageTablesSchema,
  snapshotSchema,
  stepSchema,
  touchedSchema,
} from './kernel-schema.ts';
import { firstIssue } from './scenario-schema.ts';

/** An outside kernel broke its word or threw; the message is one line that names the place. */
export class KernelBroke extends InputError {
  constructor(message: string) {
    super(message, EXIT.kernel);
  }
}

/** The first line of what was thrown, whatever it was. */
export function thrownText(error: unknown): string {
  let text = 'an object that cannot be printed';
  try {
    text = error instanceof Error ? `${error.name}: ${error.message}` : `the value ${String(error)}`;
  } catch {
    return text;
  }
  return (text.split('\n')[0] ?? '').slice(0, 200);
}

type Methods = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Methods =>
  (typeof value === 'object' || typeof value === 'function') && value !== null;

/** The module behind a default export, judged before anything runs. `label` names it in messages. */
export function judgedModule(exported: unknown, label: string): KernelModule {
  const fault = (what: string): KernelBroke => new KernelBroke(`kernel ${label}: ${what}`);
  if (!isRecord(exported)) throw fault('has no default export; export default { declares, boot }');
  const declares = declarationSchema.safeParse(exported.declares);
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
    const answer = schema.safeParse(calledAt(label, at, run));
    if (!answer.success) throw new KernelBroke(`kernel ${label}: ${at}: ${firstIssue(answer.error)}`);
    return answer.data as Value;
  };
  if (!isRecord(kernel)) throw new KernelBroke(`kernel ${label}: boot: returned no kernel with apply()`);
  const method = (name: string): ((...args: unknown[]) => unknown) | undefined => {
    const value = kernel[name];
    if (value === undefined) return undefined;
    if (typeof value !== 'function')
      throw new KernelBroke(`kernel ${label}: boot: ${name} is not a function`);
    return (...args) => value.apply(kernel, args);
  };
  const [apply, snapshot, cell, touched, audit, pageTables] = methodsOf(method);
  if (apply === undefined) throw new KernelBroke(`kernel ${label}: boot: returned no kernel with apply()`);
  if (snapshot === undefined && declares.shows.some((show) => show !== 'outcomes'))
    throw new KernelBroke(
      `kernel ${label}: shows ${declares.shows.join(', ')} but has no snapshot(); add it or show outcomes only`,
    );
  const judged: { -readonly [Method in keyof KernelMemory]: KernelMemory[Method] } = {
    apply: (operation: Operation, number) => {
      place = `operation ${number} (${operation.kind})`;
      return ask('', stepSchema, () => apply(operation, number));
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
  return judged;
}

const methodsOf = <Found>(method: (name: string) => Found): Found[] =>
  ['apply', 'snapshot', 'cell', 'touched', 'audit', 'pageTables'].map(method);
