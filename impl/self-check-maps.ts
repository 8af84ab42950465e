/** The audit of one map: tree, list, gaps and lookups against a plain walk of the entry list. */
import { address, type VirtualAddress } from '../contract/address.ts';
import type { AuditFinding } from '../contract/kernel-memory.ts';
import type { EntryTree } from './entry-tree.ts';
import type { VmMapEntry } from './map-entry.ts';
import type { VmMap } from './vm-map.ts';

export function auditMap(map: VmMap): AuditFinding[] {
  const listed = listedEntries(map.entries);
  const findings = [...auditList(map.entries, listed), ...auditTree(map.entries, listed)];
  // A broken tree makes lookups endless or meaningless: report the cause alone.
  if (findings.length === 0) findings.push(...auditLookups(map.entries, listed));
  return findings.map(({ invariant, witness }) => ({ invariant, witness: `map ${map.name}: ${witness}` }));
}

/** The entries along the forward links, at most one more than the count says. */
function listedEntries({ first, count }: EntryTree): VmMapEntry[] {
  const listed: VmMapEntry[] = [];
  for (let entry = first; entry !== null && listed.length <= count; entry = entry.next) listed.push(entry);
  return listed;
}

function* auditList(
  { count, last }: EntryTree,
  listed: readonly VmMapEntry[],
): Generator<AuditFinding, void, void> {
  const invariant = 'INV-MAP-INDEX';
  if (listed.length !== count)
    yield { invariant, witness: `${count} entries counted, ${listed.length} listed` };
  if ((listed.at(-1) ?? null) !== last)
    yield { invariant, witness: 'the last entry is not the end of the list' };
  for (const [i, entry] of listed.entries())
    if (entry.previous !== (listed[i - 1] ?? null))
      yield { invariant, witness: `the entry at ${entry.start} links back to the wrong entry` };
}

/** The tree holds the listed entries in order, is a heap by priority, and knows every gap and widest gap. */
function* auditTree(tree: EntryTree, listed: readonly VmMapEntry[]): Generator<AuditFinding, void, void> {
  const invariant = 'INV-MAP-INDEX';
  const inOrder: VmMapEntry[] = [];
  yield* auditSubtree(tree.root, null, inOrder, listed.length);
  if (inOrder.length !== listed.length || inOrder.some((entry, i) => entry !== listed[i]))
    yield {
      invariant,
      witness: `the tree holds ${inOrder.length} entries that are not the listed ones in order`,
    };
  let free: VirtualAddress = tree.min;
  for (const entry of listed) {
    if (entry.gap !== entry.start - free)
      yield {
        invariant,
        witness: `the entry at ${entry.start} has gap ${entry.gap}, not ${entry.start - free}`,
      };
    free = entry.end;
  }
}

/** Visits a subtree in order, up to more entries than there can be. */
function* auditSubtree(
  node: VmMapEntry | null,
  parent: VmMapEntry | null,
  inOrder: VmMapEntry[],
  limit: number,
): Generator<AuditFinding, void, void> {
  if (node === null || inOrder.length > limit) return;
  const invariant = 'INV-MAP-INDEX';
  if (node.parent !== parent) {
    yield { invariant, witness: `the entry at ${node.start} has the wrong parent` };
    return;
  }
  if (parent !== null && parent.priority < node.priority)
    yield { invariant, witness: `the entry at ${node.start} lies below one of lower priority` };
  yield* auditSubtree(node.left, node, inOrder, limit);
  inOrder.push(node);
  yield* auditSubtree(node.right, node, inOrder, limit);
  const widest = Math.max(node.gap, node.left?.widestGap ?? 0, node.right?.widestGap ?? 0);
  if (node.widestGap !== widest)
    yield {
      invariant,
      witness: `the entry at ${node.start} has widest gap ${node.widestGap}, not ${widest}`,
    };
}

/** The search through the tree agrees with a walk along the list, at and around every bound. */
function* auditLookups(tree: EntryTree, listed: readonly VmMapEntry[]): Generator<AuditFinding, void, void> {
  let next = 0;
  for (const probe of probesOf(tree, listed)) {
    while (next < listed.length && (listed[next] as VmMapEntry).start <= probe) next++;
    while (next > 0 && (listed[next - 1] as VmMapEntry).start > probe) next--;
    const expected = listed[next - 1] ?? null;
    const actual = tree.floor(address(probe));
    if (actual !== expected)
      yield {
        invariant: 'INV-MAP-LOOKUP',
        witness: `lookup of ${probe} finds the entry at ${actual?.start}, not at ${expected?.start}`,
      };
  }
}

/** Addresses at and around every bound, hardly out of order. */
function probesOf({ min, max }: EntryTree, listed: readonly VmMapEntry[]): number[] {
  const probes = [min - 1, min, min + 1];
  for (const { start, end } of listed) probes.push(start - 1, start, start + 1, end - 1, end, end + 1);
  probes.push(max - 1, max, max + 1);
  return probes;
}
