/**
 * The entries of one map: BSD's address-ordered list, and over it a treap that knows the widest gap of each subtree.
 *
 * Fast because lookup, insertion, removal and first fit from any address take one path of expected length O(log n),
 * where BSD walks the list from a hint. Must stay in step: the list order is the tree's in-order, `gap` is the free
 * space before each entry, `widestGap` the maximum of a subtree. No hint is kept, so none can hide a hole (DEV-2).
 */
import { type ByteCount, byteDistance, unwrappedEnd, type VirtualAddress } from '../contract/address.ts';
import type { VmMapEntry } from './map-entry.ts';

/** Every tree draws its priorities from the same sequence, so that equal histories build equal trees. */
const PRIORITY_SEED = 0x9e3779b9;

export class EntryTree {
  readonly min: VirtualAddress;
  readonly max: VirtualAddress;
  root: VmMapEntry | null = null;
  first: VmMapEntry | null = null;
  last: VmMapEntry | null = null;
  count = 0;
  #random = PRIORITY_SEED | 0;

  constructor(min: VirtualAddress, max: VirtualAddress) {
    this.min = min;
    this.max = max;
  }

  /** The last entry that starts at or below `address`, or null. */
  floor(address: VirtualAddress): VmMapEntry | null {
    let best: VmMapEntry | null = null;
    let node = this.root;
    while (node !== null) {
      if (node.start <= address) {
        best = node;
        node = node.right;
      } else {
        node = node.left;
      }
    }
    return best;
  }

  /** The entry that contains `address`, or null. */
  containing(address: VirtualAddress): VmMapEntry | null {
    const entry = this.floor(address);
    return entry !== null && address < entry.end ? entry : null;
  }

  /** The entry that contains `address`, or else the first one above it, or null. */
  atOrAbove(address: VirtualAddress): VmMapEntry | null {
    const entry = this.floor(address);
    if (entry === null) return this.first;
    return address < entry.end ? entry : entry.next;
  }

  /**
   * The least address at or above `start` where `length` bytes are free and end at or below `max`; undefined if none.
   * `start` must not lie below `min`.
   */
  firstFit(start: VirtualAddress, length: ByteCount): VirtualAddress | undefined {
    const below = this.floor(start);
    const candidate = below !== null && start < below.end ? below.end : start;
    const above = below === null ? this.first : below.next;
    if (above === null) return unwrappedEnd(candidate, length) <= this.max ? candidate : undefined;
    if (unwrappedEnd(candidate, length) <= above.start) return candidate;
    const fit = nextWithGap(above, length);
    if (fit !== null) return fit.previous === null ? this.min : fit.previous.end;
    const tail = this.last === null ? this.min : this.last.end;
    return unwrappedEnd(tail, length) <= this.max ? tail : undefined;
  }

  /** Links `entry` behind `previous` (null: in front); its range must be free and lie there. */
  insertAfter(previous: VmMapEntry | null, entry: VmMapEntry): void {
    const next = previous === null ? this.first : previous.next;
    entry.previous = previous;
    entry.next = next;
    if (previous === null) this.first = entry;
    else previous.next = entry;
    if (next === null) this.last = entry;
    else next.previous = entry;
    this.count++;

    entry.gap = byteDistance(previous === null ? this.min : previous.end, entry.start);
    entry.widestGap = entry.gap;
    entry.priority = this.#nextPriority();
    if (next !== null) this.#setGap(next, byteDistance(entry.end, next.start));
    this.#attach(previous, next, entry);
  }

  /** Unlinks `entry`; its range becomes part of the gap before the next entry. */
  remove(entry: VmMapEntry): void {
    const { previous, next } = entry;
    if (previous === null) this.first = next;
    else previous.next = next;
    if (next === null) this.last = previous;
    else next.previous = previous;
    this.count--;
    this.#detach(entry);
    if (next !== null)
      this.#setGap(next, byteDistance(previous === null ? this.min : previous.end, next.start));
  }

  /** Shortens `entry` to end where `back` starts and links `back`, the rest of its range, behind it. */
  split(entry: VmMapEntry, back: VmMapEntry): void {
    entry.end = back.start;
    this.insertAfter(entry, back);
  }

  /** Moves the end of `entry` up to `end`, over free space. */
  grow(entry: VmMapEntry, end: VirtualAddress): void {
    entry.end = end;
    if (entry.next !== null) this.#setGap(entry.next, byteDistance(end, entry.next.start));
  }

  /** Lets `entry` take over the range of the next entry, which must start where it ends. */
  absorbNext(entry: VmMapEntry, next: VmMapEntry): void {
    this.remove(next);
    this.grow(entry, next.end);
  }

  #nextPriority(): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return x;
  }

  #setGap(entry: VmMapEntry, gap: number): void {
    entry.gap = gap;
    refreshFrom(entry);
  }

  /** In-order neighbours tell the only free child slot: behind `previous`, or in front of `next`. */
  #attach(previous: VmMapEntry | null, next: VmMapEntry | null, entry: VmMapEntry): void {
    if (previous !== null && previous.right === null) {
      previous.right = entry;
      entry.parent = previous;
    } else if (next !== null) {
      next.left = entry;
      entry.parent = next;
    } else {
      this.root = entry;
    }
    refreshFrom(entry.parent);
    while (entry.parent !== null && entry.parent.priority < entry.priority)
      this.#rotateUp(entry, entry.parent);
  }

  #detach(entry: VmMapEntry): void {
    while (entry.left !== null && entry.right !== null)
      this.#rotateUp(entry.left.priority > entry.right.priority ? entry.left : entry.right, entry);
    const child = entry.left ?? entry.right;
    const { parent } = entry;
    if (child !== null) child.parent = parent;
    this.#replaceChild(parent, entry, child);
    entry.parent = null;
    entry.left = null;
    entry.right = null;
    refreshFrom(parent);
  }

  #rotateUp(child: VmMapEntry, parent: VmMapEntry): void {
    const grandparent = parent.parent;
    if (parent.left === child) {
      parent.left = child.right;
      if (child.right !== null) child.right.parent = parent;
      child.right = parent;
    } else {
      parent.right = child.left;
      if (child.left !== null) child.left.parent = parent;
      child.left = parent;
    }
    parent.parent = child;
    child.parent = grandparent;
    this.#replaceChild(grandparent, parent, child);
    parent.widestGap = widestOf(parent);
    child.widestGap = widestOf(child);
  }

  #replaceChild(parent: VmMapEntry | null, old: VmMapEntry, replacement: VmMapEntry | null): void {
    if (parent === null) this.root = replacement;
    else if (parent.left === old) parent.left = replacement;
    else parent.right = replacement;
  }
}

function widestOf({ gap, left, right }: VmMapEntry): number {
  let widest = gap;
  if (left !== null && left.widestGap > widest) widest = left.widestGap;
  if (right !== null && right.widestGap > widest) widest = right.widestGap;
  return widest;
}

/** Recomputes `widestGap` towards the root, up to the first entry where nothing changes. */
function refreshFrom(start: VmMapEntry | null): void {
  for (let node = start; node !== null; node = node.parent) {
    const widest = widestOf(node);
    if (widest === node.widestGap) return;
    node.widestGap = widest;
  }
}

/** The first entry behind `entry` with at least `length` free bytes before it, or null. */
function nextWithGap(entry: VmMapEntry, length: ByteCount): VmMapEntry | null {
  let node: VmMapEntry = entry;
  for (;;) {
    if (node.right !== null && node.right.widestGap >= length) return firstWithGap(node.right, length);
    let parent = node.parent;
    while (parent !== null && parent.right === node) {
      node = parent;
      parent = node.parent;
    }
    if (parent === null) return null;
    if (parent.gap >= length) return parent;
    node = parent;
  }
}

/** The first entry in the subtree of `top` with at least `length` free bytes before it; there must be one. */
function firstWithGap(top: VmMapEntry, length: ByteCount): VmMapEntry {
  let node = top;
  for (;;) {
    if (node.left !== null && node.left.widestGap >= length) node = node.left;
    else if (node.gap >= length || node.right === null) return node;
    else node = node.right;
  }
}
