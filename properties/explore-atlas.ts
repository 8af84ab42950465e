/** The states that a search has reached, and the order in which it goes on from them. */
import type { Operation } from '../contract/operation.ts';
import type { Edge, Expansion, Node } from './explore-node.ts';
import type { LockstepReport } from './verdict.ts';

/** What was found at one depth. */
export interface LevelCounts {
  /** Operations on the way to these states. */
  readonly depth: number;
  /** States reached for the first time. */
  readonly states: number;
  /** Operations run in the states one level up. */
  readonly transitions: number;
  /** Of these, how many led to a state known already, their own included. */
  readonly duplicates: number;
  /** Of these, how many stopped the machine. */
  readonly panics: number;
}
type Counting = { -readonly [Field in keyof LevelCounts]: LevelCounts[Field] };

/** A state as a search keeps it: the state before it, by number, and the operation that leads on from there. */
export interface AtlasEntry {
  readonly parent: number;
  /** Number of the operation among all those used so far. */
  readonly operation: number;
  readonly key: string;
  readonly since: string;
}

/** Everything that a search needs to go on, as plain data. */
export interface AtlasContent {
  /** Operations in the order of their first use. */
  readonly operations: readonly Operation[];
  /** States by number: the state at boot, then as they were reached. */
  readonly entries: readonly AtlasEntry[];
  readonly levels: readonly LevelCounts[];
  /** States expanded so far; they come first. */
  readonly expanded: number;
}

/**
 * A search in progress. States are numbered as they are reached and expanded in that order, which makes the search breadth
 * first, and its result independent of who expands them.
 */
export class Exploration {
  readonly #merging: boolean;
  readonly #operations: Operation[] = [];
  readonly #numberOf = new Map<string, number>();
  readonly #entries: AtlasEntry[] = [];
  readonly #depths: number[] = [];
  readonly #known = new Set<string>();
  readonly #levels: Counting[] = [];
  #expanded = 0;
  #failure: LockstepReport | null = null;
  #late: LockstepReport | null = null;

  /** A search from a state at boot, or one that goes on. */
  constructor(begin: Node | AtlasContent, { merging = true }: { readonly merging?: boolean } = {}) {
    this.#merging = merging;
    if ('key' in begin) {
      this.#add({ parent: -1, operation: -1, key: begin.key, since: begin.since });
      this.#levels.push({ depth: 0, states: 1, transitions: 0, duplicates: 0, panics: 0 });
      return;
    }
    for (const operation of begin.operations) this.#number(operation);
    for (const entry of begin.entries) this.#add(entry);
    for (const level of begin.levels) this.#levels.push({ ...level });
    this.#expanded = begin.expanded;
  }

  /** Counts by depth from 0, the state at boot. */
  get levels(): readonly LevelCounts[] {
    return this.#levels;
  }

  get keys(): string[] {
    return this.#entries.map(({ key }) => key);
  }

  get content(): AtlasContent {
    return {
      operations: this.#operations,
      entries: this.#entries,
      levels: this.#levels,
      expanded: this.#expanded,
    };
  }

  /** A failing sequence of which no shorter one is left to try; null while there may be one. */
  get failure(): LockstepReport | null {
    return this.#failure;
  }

  /** A failing sequence that is longer than some that are left to try. */
  get late(): LockstepReport | null {
    return this.#late;
  }

  /** States expanded, and states known. */
  get expanded(): number {
    return this.#expanded;
  }
  get size(): number {
    return this.#entries.length;
  }

  /** The state to expand next; null where all sequences up to `depth` operations have been tried, or one failed. */
  next(depth: number): Node | null {
    return this.ahead(this.#expanded, depth);
  }

  /** The state with that number, if it is known already and has to be expanded. */
  ahead(number: number, depth: number): Node | null {
    const at = this.#depths[number];
    if (this.#failure !== null || at === undefined || at >= depth) return null;
    return this.#node(number);
  }

  /** How many of the states known so far are left to expand. */
  waiting(depth: number): number {
    let above = 0;
    for (const level of this.#levels) if (level.depth < depth) above += level.states;
    return above - this.#expanded;
  }

  /** Takes over what leads away from the state that was next. */
  absorb({ edges, failure, late }: Expansion): void {
    const parent = this.#expanded;
    const depth = (this.#depths[parent] ?? 0) + 1;
    this.#levels[depth] ??= { depth, states: 0, transitions: 0, duplicates: 0, panics: 0 };
    const counts = this.#levels[depth];
    for (const edge of edges) this.#follow(edge, parent, counts);
    this.#late ??= late;
    if (failure !== null) {
      counts.transitions++;
      this.#failure = failure;
      return;
    }
    this.#expanded++;
    // No sequence from here on is shorter than the one that failed.
    const to = (this.#depths[this.#expanded] ?? depth) + 1;
    if (this.#late !== null && this.#late.scenario.operations.length <= to) this.#failure = this.#late;
  }

  #follow({ operation, key, since }: Edge, parent: number, counts: Counting): void {
    counts.transitions++;
    if (key === null) counts.panics++;
    else if (this.#merging && this.#known.has(key)) counts.duplicates++;
    else {
      counts.states++;
      this.#add({ parent, operation: this.#number(operation), key, since });
    }
  }

  #add(entry: AtlasEntry): void {
    this.#entries.push(entry);
    this.#depths.push((this.#depths[entry.parent] ?? -1) + 1);
    this.#known.add(entry.key);
  }

  #number(operation: Operation): number {
    const text = JSON.stringify(operation);
    const known = this.#numberOf.get(text);
    if (known !== undefined) return known;
    this.#numberOf.set(text, this.#operations.length);
    return this.#operations.push(operation) - 1;
  }

  #node(number: number): Node {
    const way: Operation[] = [];
    const { key = '', since = '' } = this.#entries[number] ?? {};
    for (let at = this.#entries[number]; at !== undefined && at.parent >= 0; at = this.#entries[at.parent]) {
      const operation = this.#operations[at.operation];
      if (operation !== undefined) way.unshift(operation);
    }
    return { operations: way, key, since };
  }
}
