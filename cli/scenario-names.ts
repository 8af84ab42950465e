/** Names of maps and pmaps that nothing in a scenario makes: whoever wrote them by hand may have misspelt them. */
import { type FieldMeaning, OPERATION_FIELDS, type Operation } from '../contract/operation.ts';
import { KERNEL_PMAP, NULL_PMAP } from '../contract/pmap.ts';
import { nearest, quoted } from './nearest.ts';
import type { StoredScenario } from './scenario-file.ts';

/** What has a name: the field that uses it, the field that makes it, and what is there without being made. */
const NAMED = [
  { noun: 'map', used: 'map', made: 'new-map', given: ['kernel'] },
  { noun: 'pmap', used: 'pmap', made: 'new-pmap', given: [KERNEL_PMAP, NULL_PMAP] },
] as const;

interface NamedField {
  readonly index: number;
  readonly field: string;
  readonly meaning: FieldMeaning;
  readonly name: string;
}

function namedFields(operations: readonly Operation[]): NamedField[] {
  return operations.flatMap((operation, index) => {
    const values = new Map<string, unknown>(Object.entries(operation));
    const fields = Object.entries(OPERATION_FIELDS[operation.kind] as Readonly<Record<string, FieldMeaning>>);
    return fields.flatMap(([field, meaning]) => {
      const name = values.get(field);
      return typeof name === 'string' ? [{ index, field, meaning, name }] : [];
    });
  });
}

/** One line for each name that is used and that nothing makes, at the first place where it is used. */
export function unmadeNames(path: string, operations: readonly Operation[]): string[] {
  const fields = namedFields(operations);
  return NAMED.flatMap(({ noun, used, made, given }) => {
    const known = [...given, ...fields.flatMap(({ meaning, name }) => (meaning === made ? [name] : []))];
    const told = new Set<string>(known);
    return fields
      .filter(({ meaning, name }) => {
        if (meaning !== used || told.has(name)) return false;
        told.add(name);
        return true;
      })
      .map(({ index, field, name }) => {
        const best = nearest(name, known);
        const hint = best === undefined ? '' : `; did you mean '${best}'?`;
        return `warning: ${path}: operations[${index}].${field}: operation ${index + 1} (${operations[index]?.kind}) names the ${noun} ${quoted(name)}, which no operation makes${hint}`;
      });
  });
}

/**
 * The warnings for a stored scenario: none where a command made it and it is known to fail, since shrinking may leave
 * a name without what made it, and generated scenarios err deliberately.
 */
export const nameWarnings = (path: string, { scenario, signature, provenance }: StoredScenario): string[] =>
  signature == null || (provenance?.command ?? null) === null ? unmadeNames(path, scenario.operations) : [];
