/** Laws of operations on existing ranges: doing it twice, undoing it, only asking. */
import { truncPage } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import { KERN_SUCCESS, type Outcome } from '../../contract/outcome.ts';
import type { EntrySnapshot, MapName } from '../../contract/vm-map.ts';
import type { StateView } from '../view.ts';
import { hex, outcomeWord, rights } from '../wording.ts';
import type { Law } from './law.ts';
import { stateDifferences, Trial, witnesses } from './trial.ts';

/** A few ranges to act on: each the whole of an entry, outside the window of direct pmap operations. */
function* ranges(trial: Trial, state: StateView): Generator<{ map: MapName; entry: EntrySnapshot }> {
  const window = trial.machine.scratchWindow;
  const most = 6;
  for (const { name, entries } of state.maps.values())
    for (const entry of entries.slice(-most)) {
      const direct = window !== null && entry.start < window.end && window.start < entry.end;
      if (!direct) yield { map: name, entry };
    }
}

const isKern = (outcome: Outcome, code: number): boolean => outcome.kind === 'kern' && outcome.code === code;
const hasReturned = ({ kind }: Outcome): boolean => kind !== 'sleep' && kind !== 'panic';

export const protectTwiceIsOnce: Law = {
  id: 'LAW-PROTECT-IDEMPOTENT',
  claim: 'Protecting a range a second time answers as the first time and changes nothing.',
  source: 'MAP-PROT-2, MAP-PROT-3, MAP-PROT-4',
  check(module, machine, prefix) {
    const trial = new Trial(module, machine, prefix);
    if (trial.stopped) return [];
    for (const { map, entry } of ranges(trial, trial.look()))
      for (const [protection, setMax] of [
        [7, false],
        [3, false],
        [1, true],
      ] as const) {
        const operation: Operation = {
          kind: 'vm_map_protect',
          map,
          start: entry.start,
          end: entry.end,
          protection,
          setMax,
        };
        const first = trial.apply(operation);
        if (!hasReturned(first)) return [];
        const once = trial.look();
        const second = trial.apply(operation);
        const act = `${rights(protection)} again on ${map} ${hex(entry.start)}`;
        if (outcomeWord(first) !== outcomeWord(second))
          return [`${act}: ${outcomeWord(first)} became ${outcomeWord(second)}`];
        const found = witnesses(act, stateDifferences(once, trial.look()));
        if (found.length > 0) return found;
      }
    return [];
  },
};

export const unwireUndoesWire: Law = {
  id: 'LAW-WIRE-INVERSE',
  claim: 'Unwiring what was just wired restores every wired count, wire count and wiring statistic.',
  source: 'MAP-PAGE-2, MAP-PAGE-4, PAGE-WIRE-1, PAGE-WIRE-2',
  check(module, machine, prefix) {
    const trial = new Trial(module, machine, prefix);
    if (trial.stopped) return [];
    for (const { map, entry } of ranges(trial, trial.look())) {
      const before = trial.look();
      const range = { kind: 'vm_map_pageable', map, start: entry.start, end: entry.end } as const;
      const wired = trial.apply({ ...range, pageable: false });
      if (!hasReturned(wired)) return [];
      if (!isKern(wired, KERN_SUCCESS)) continue;
      const unwired = trial.apply({ ...range, pageable: true });
      const act = `${map} ${hex(entry.start)}`;
      if (!isKern(unwired, KERN_SUCCESS)) return [`${act}: unwiring answered ${outcomeWord(unwired)}`];
      const found = wiringChanges(before, trial.look()).map((change) => `${act}: ${change}`);
      if (found.length > 0) return found;
    }
    return [];
  },
};

/** Changes of wiring between two states; pages that became resident must not be wired. */
function wiringChanges(before: StateView, after: StateView): string[] {
  const changes: string[] = [];
  const expectSame = (what: string, old: unknown, fresh: unknown) => {
    if (old !== fresh) changes.push(`${what} ${old} became ${fresh}`);
  };
  expectSame('v_wire', before.counters.wired, after.counters.wired);
  expectSame('wired mappings', before.pmap.wired, after.pmap.wired);
  for (const [name, map] of after.maps)
    expectSame(
      `wired ranges of ${name}`,
      wiredRanges(before.maps.get(name)?.entries ?? []),
      wiredRanges(map.entries),
    );
  for (const [name, { pages }] of after.objects) {
    const old = new Map(before.objects.get(name)?.pages.map((page) => [page.offset, page.wireCount]));
    for (const { offset, wireCount } of pages)
      expectSame(`wire count of ${name}+${hex(offset)}`, old.get(offset) ?? 0, wireCount);
  }
  return changes;
}

/** Where a map is wired and how often, independent of how its entries are split. */
function wiredRanges(entries: readonly EntrySnapshot[]): string {
  const ranges: { start: number; end: number; count: number }[] = [];
  for (const { start, end, wiredCount } of entries) {
    const last = ranges.at(-1);
    if (last?.end === start && last.count === wiredCount) last.end = end;
    else ranges.push({ start, end, count: wiredCount });
  }
  return ranges.map(({ start, end, count }) => `${hex(start)}-${hex(end)}:${count}`).join(' ');
}

export const queriesChangeNothing: Law = {
  id: 'LAW-QUERIES-PURE',
  claim: 'Searching, looking up, checking and testing change nothing and answer the same when asked again.',
  source: 'MAP-SPACE-1, MAP-LOOKUP-1, MAP-CHK-1, PMAP-EXTR-1, PMAP-BIT-1, PAGE-LOOKUP-1',
  check(module, machine, prefix) {
    const trial = new Trial(module, machine, prefix);
    if (trial.stopped) return [];
    const before = trial.look();
    const queries = [...queriesOf(before)];
    const answers = queries.map((query) => outcomeWord(trial.apply(query)));
    const found = witnesses('queries', stateDifferences(before, trial.look()));
    queries.forEach((query, i) => {
      const again = outcomeWord(trial.apply(query));
      if (again !== answers[i]) found.push(`${query.kind} answered ${answers[i]}, then ${again}`);
    });
    return found;
  },
};

function* queriesOf(state: StateView): Generator<Operation> {
  for (const { name: map, min, size, entries } of state.maps.values()) {
    yield { kind: 'vm_map_findspace', map, start: min, length: size };
    for (const { start, end } of entries) {
      yield { kind: 'vm_map_lookup_entry', map, address: end };
      yield { kind: 'vm_map_check_protection', map, start, end, protection: 1 };
      yield { kind: 'pmap_extract', address: truncPage(start) };
    }
  }
  for (const frame of state.queues.active) {
    yield { kind: 'pmap_is_modified', frame };
    yield { kind: 'pmap_is_referenced', frame };
  }
}
