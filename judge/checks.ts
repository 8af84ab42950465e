/** What is asked of the guest, with what must come of it. */
import type { PmapName } from '../contract/pmap.ts';
import type { GuestProbe } from './guest.ts';

/** What a probe must come to. */
export type Expectation =
  | { readonly kind: 'fault'; readonly error: number }
  /** A word, as far as the mask goes. */
  | { readonly kind: 'word'; readonly word: number; readonly mask: number }
  | { readonly kind: 'words'; readonly page: WordsOfPage };

/** Words that a page of tables must hold; where there is none, 0. */
export interface WordsOfPage {
  readonly words: ReadonlyMap<number, number>;
  /** Bits that are not compared. */
  readonly ignored: number;
  /** Places that are not compared. */
  readonly skipped: ReadonlySet<number>;
  /** Places of static kernel tables: the frame is compared between directories, of the word here only the other bits. */
  readonly shared: ReadonlySet<number>;
  /** Address that the word at place 0 speaks of, and how far apart the next one is. */
  readonly first: number;
  readonly step: number;
}

/** A probe, with what to say of it. */
export interface Check {
  readonly probe: GuestProbe;
  readonly expected: Expectation;
  /** What is asked for, as in `user write`. */
  readonly what: string;
  /** The address that it is about: that of the page whose table is read, say. */
  readonly about: number;
  /** True where the word is one of a directory or page table. */
  readonly isTable?: true;
}

/** Checks that begin with a load of CR3 and belong to one directory. */
export interface Segment {
  readonly space: PmapName;
  readonly wp: boolean;
  readonly checks: readonly Check[];
}

/** The whole plan of a state. */
export interface Plan {
  readonly segments: readonly Segment[];
  /** Words to put into RAM before, and what must lie there afterwards, by index of words in the image. */
  readonly before: ReadonlyMap<number, number>;
  readonly after: ReadonlyMap<number, number>;
}
