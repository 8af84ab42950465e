/** The verdict on one state: the plan is run in the guest, and every answer compared with what it must be. */
import { PAGE_SIZE, PDE_SPAN } from '../contract/address.ts';
import { PG_A, PG_D, PG_P, PG_RW, PG_U, type PmapName } from '../contract/pmap.ts';
import type { Difference } from '../properties/verdict.ts';
import type { Check, Plan, Segment, WordsOfPage } from './checks.ts';
import { type Guest, type GuestResult, MOST_PROBES, MOST_WORDS, OP } from './guest.ts';
import type { GuestPool } from './guest-pool.ts';
import { planOf } from './plan.ts';
import { type FlatSpace, flatSpaces, freeSlots, type JudgedState } from './state.ts';
import { faultWord, hex32, resultWord, tableWord, valueWord } from './words.ts';

/** What judging a state came to. */
export interface StateVerdict {
  /** Accesses made in the guest, each compared. */
  readonly probes: number;
  /** Words of tables read through the window, each compared. */
  readonly words: number;
  /** What differs, accesses first, then words of tables and RAM, each in the order in which it was met. */
  readonly differences: readonly Difference[];
}

/** More would say nothing new. */
export const MOST_DIFFERENCES = 40;

/**
 * Judges a state. `salt`: any whole number; which word of each page is probed, and in which order, follows from it. `known`:
 * page addresses to probe in any event.
 *
 * @throws InputError where the emulator is missing, or finds no room for the stub.
 */
export async function judgeState(
  state: JudgedState,
  guests: GuestPool,
  { salt, known = [] }: { readonly salt: number; readonly known?: Iterable<number> },
): Promise<StateVerdict> {
  const spaces = flatSpaces(state);
  const guest = await guests.fitting(state.image, (least, end) => freeSlots(state, spaces, least, end));
  const plan = planOf(state, spaces, { stubSlot: guest.base / PDE_SPAN, salt, known });
  const comparison = new Comparison(state, spaces, guest);
  comparison.prepare(plan);
  for (const batch of batchesOf(plan.segments)) {
    const { results, broke } = await guest.run(
      batch.flatMap(({ checks }) => checks.map(({ probe }) => probe)),
    );
    comparison.compare(batch, results, broke);
    if (broke === null) continue;
    await guests.drop(guest);
    return comparison.verdict;
  }
  comparison.compareMemory(plan);
  return comparison.verdict;
}

/** Segments that fit the mailbox together; one that is too large for it is cut, each part with its load of CR3. */
function batchesOf(segments: readonly Segment[]): Segment[][] {
  const batches: Segment[][] = [];
  let room = { probes: 0, words: 0 };
  for (const segment of segments.flatMap(parts)) {
    const words = wordsIn(segment.checks);
    if (batches.length === 0 || segment.checks.length > room.probes || words > room.words) {
      batches.push([]);
      room = { probes: MOST_PROBES, words: MOST_WORDS };
    }
    batches.at(-1)?.push(segment);
    room = { probes: room.probes - segment.checks.length, words: room.words - words };
  }
  return batches;
}

const wordsIn = (checks: readonly Check[]): number =>
  checks.reduce((sum, { probe }) => sum + (probe.op === OP.dump ? probe.operand : 0), 0);

function parts(segment: Segment): Segment[] {
  const [load, ...rest] = segment.checks;
  if (load === undefined) return [];
  const cut: Check[][] = [];
  let words = MOST_WORDS + 1;
  for (const check of rest) {
    const more = check.probe.op === OP.dump ? check.probe.operand : 0;
    if (words + more > MOST_WORDS || (cut.at(-1)?.length ?? 0) >= MOST_PROBES) {
      cut.push([load]);
      words = 0;
    }
    cut.at(-1)?.push(check);
    words += more;
  }
  return cut.map((checks) => ({ ...segment, checks }));
}

class Comparison {
  readonly #state: JudgedState;
  readonly #spaces: readonly FlatSpace[];
  readonly #guest: Guest;
  /** Words of the static kernel tables, A apart, as the first directory that was read has them. */
  readonly #kernelWords = new Map<number, number>();
  readonly #differences: Difference[] = [];
  #ram = new Uint32Array();
  #probes = 0;
  #words = 0;

  constructor(state: JudgedState, spaces: readonly FlatSpace[], guest: Guest) {
    this.#state = state;
    this.#spaces = spaces;
    this.#guest = guest;
  }

  get verdict(): StateVerdict {
    const isAccess = ({ path }: Difference): boolean => /(read|write|set|clear)$/.test(path);
    const accesses = this.#differences.filter(isAccess);
    const others = this.#differences.filter((difference) => !isAccess(difference));
    return { probes: this.#probes, words: this.#words, differences: [...accesses, ...others] };
  }

  /** Loads RAM, with the plan's words in it and the stub's page in each directory. */
  prepare({ before }: Plan): void {
    const { image, registers, reference } = this.#state;
    const expected = ['kernel', ...reference.spaces.pmaps.map(({ name }) => name)].join(', ');
    const actual = registers.directories.map(({ pmap }) => pmap).join(', ');
    if (expected !== actual) this.#tell('directories', expected, actual);
    this.#ram = new Uint32Array(image.bytes.slice().buffer);
    for (const [index, word] of before) this.#ram[index] = word;
    for (const space of this.#spaces) {
      const at = this.#stubWordIn(space);
      const word = this.#ram[at] as number;
      if (word !== 0)
        this.#tell(`${space.name}: directory word ${hex32(this.#guest.base)}`, '0', this.#table(word));
      // A and D are set already, so that the guest changes nothing here.
      this.#ram[at] = this.#guest.base + PG_P + PG_RW + PG_U + PG_A + PG_D + 0x80;
    }
    this.#guest.load({ firstFrame: image.firstFrame, bytes: new Uint8Array(this.#ram.buffer) });
  }

  #stubWordIn({ directory }: FlatSpace): number {
    return (directory - this.#state.image.firstFrame) * (PAGE_SIZE / 4) + this.#guest.base / PDE_SPAN;
  }

  compare(batch: readonly Segment[], results: readonly GuestResult[], broke: string | null): void {
    let next = 0;
    for (const { space, wp, checks } of batch)
      for (const check of checks) {
        const result = results[next++];
        if (result !== undefined) this.#one(space, wp, check, result);
        else if (broke !== null) {
          this.#tell(pathOf(space, wp, check), 'an answer', `none: ${broke}`);
          return;
        }
      }
  }

  #one(space: PmapName, wp: boolean, check: Check, result: GuestResult): void {
    const { expected, probe } = check;
    this.#probes++;
    if (expected.kind === 'fault') {
      const holds =
        result.kind === 'fault' && result.error === expected.error && result.cr2 === probe.address;
      if (!holds)
        this.#tell(
          pathOf(space, wp, check),
          faultWord(expected.error, probe.address),
          this.#shown(check, result),
        );
    } else if (expected.kind === 'word') {
      const holds = result.kind === 'word' && ((result.word ^ expected.word) & expected.mask) === 0;
      if (!holds)
        this.#tell(
          pathOf(space, wp, check),
          this.#shown(check, { kind: 'word', word: expected.word }),
          this.#shown(check, result),
        );
    } else if (result.kind === 'words')
      this.#page(space, wp, check, { page: expected.page, words: result.words });
    else this.#tell(pathOf(space, wp, check), 'a page of words', this.#shown(check, result));
  }

  #page(
    space: PmapName,
    wp: boolean,
    check: Check,
    { page, words }: { page: WordsOfPage; words: Uint32Array },
  ): void {
    this.#words += words.length;
    for (let i = 0; i < words.length; i++) {
      const wanted = page.words.get(i) ?? 0;
      const word = ((words[i] as number) & ~page.ignored) >>> 0;
      if (word === wanted || page.skipped.has(i)) continue;
      const about = page.first + i * page.step;
      const path = pathOf(space, wp, { ...check, about });
      if (!page.shared.has(i)) this.#tell(path, this.#table(wanted), this.#table(word));
      else this.#shared(path, i, word);
    }
  }

  /** A static kernel table: present, for the supervisor, in a frame of its own before the managed ones; the same everywhere. */
  #shared(path: string, slot: number, word: number): void {
    const frame = word >>> 12;
    const known = this.#kernelWords.get(slot);
    if (known !== undefined) {
      if (known !== word) this.#tell(path, this.#table(known), this.#table(word));
      return;
    }
    const { image, registers } = this.#state;
    const inside = frame >= image.firstFrame && frame < registers.firstManagedFrame;
    const taken = [...this.#kernelWords.values()].some((other) => other >>> 12 === frame);
    const isDirectory = this.#spaces.some(({ directory }) => directory === frame);
    if ((word & (PAGE_SIZE - 1)) !== PG_P + PG_RW || !inside || taken || isDirectory)
      this.#tell(path, 'a static page table of its own, P RW', this.#table(word));
    this.#kernelWords.set(slot, word);
  }

  /** What the guest wrote, and that it wrote nowhere else; A and D of table words are judged through the window. */
  compareMemory({ after }: Plan): void {
    const { image, registers, machine } = this.#state;
    const tables = new Set(
      this.#spaces.flatMap(({ directory, tables: own }) => [
        directory,
        ...[...own.values()].map((frame) => registers.firstManagedFrame + frame),
      ]),
    );
    const wanted = this.#ram;
    for (const [index, word] of after) wanted[index] = word;
    const found = this.#guest.words(image.firstFrame * PAGE_SIZE, wanted.length);
    for (let i = 0; i < wanted.length; i++) {
      const change = (wanted[i] as number) ^ (found[i] as number);
      if (change === 0) continue;
      const frame = image.firstFrame + (i >>> 10);
      const isTable = frame < registers.firstManagedFrame || tables.has(frame);
      if (isTable && (change & ~(PG_A | PG_D)) === 0) continue;
      const path = `RAM at ${hex32(frame * PAGE_SIZE + (i % 1024) * 4)} (frame ${frame - registers.firstManagedFrame} of ${machine.managedPages})`;
      this.#tell(path, valueWord(wanted[i] as number), valueWord(found[i] as number));
    }
  }

  #shown({ isTable }: Check, result: GuestResult): string {
    return resultWord(result, isTable === true ? (word) => this.#table(word) : valueWord);
  }

  #table(word: number): string {
    return tableWord(word, this.#state.registers, this.#state.machine);
  }

  #tell(path: string, expected: string, actual: string): void {
    const known = this.#differences.some(
      (other) => other.path === path && other.expected === expected && other.actual === actual,
    );
    if (!known && this.#differences.length < MOST_DIFFERENCES)
      this.#differences.push({ path, expected, actual });
  }
}

const pathOf = (space: PmapName, wp: boolean, { what, about }: Pick<Check, 'what' | 'about'>): string =>
  `${space} ${hex32(about)} ${what}${what.endsWith('write') ? `, WP ${wp ? 'set' : 'clear'}` : ''}`;
