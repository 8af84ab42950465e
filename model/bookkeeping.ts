/** What every rule does on the side: it cites itself, notes what it changes, and may stop the machine. */
import type { FrameNumber } from '../contract/address.ts';
import type { RuleId } from '../contract/rules.ts';
import type { CellName } from '../contract/snapshot.ts';
import type { ModelState, VmMap, VmObject } from './state.ts';

/** Counts one exercise of a rule, at the code that states the rule; answers `result`, for rules that end there. */
export function cite(state: ModelState, rule: RuleId): void;
export function cite<Result>(state: ModelState, rule: RuleId, result: Result): Result;
export function cite(state: ModelState, rule: RuleId, result?: unknown): unknown {
  const known = state.citations.get(rule);
  if (known === undefined) state.citations.set(rule, { times: 1 });
  else known.times += 1;
  return result;
}

/** Notes that maps, objects or cells may have changed in this step. */
export function touch(state: ModelState, ...parts: readonly (VmMap | VmObject | CellName | null)[]): void {
  for (const part of parts) if (part !== null) state.touched.add(part);
}

/** The way out of a kernel that stops in the middle of an operation; `apply` turns it into the panic outcome. */
export class KernelPanic extends Error {}

/** Stops the machine (CONV-4). Does not return, as in the kernel. */
export function stopMachine(text: string): never {
  throw new KernelPanic(text);
}

/** Stops the program when the model contradicts itself. */
export function assert(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new Error(`reference model: ${sentence}`);
}

/** The live map of that name. */
export const mapNamed = ({ maps }: ModelState, name: string) => maps.find((map) => map.name === name);
/** True for frames that have a page record; false for device frames. */
export const isManaged = (state: ModelState, frame: FrameNumber): boolean =>
  frame < state.machine.managedPages;
