/**
 * VM objects (vm_object.c, stage 1): reference-counted bags of pages that back map entries.
 *
 * Fast because pages hang on the object in insertion order and are found by hash, so removing a range costs the
 * smaller of its length and the object's population. Must stay in step: references and the set of live objects.
 */
import {
  advanceOffset,
  type ByteCount,
  bytes,
  type FrameNumber,
  type ObjectOffset,
  objectOffset,
  PAGE_SIZE,
} from '../contract/address.ts';
import type { ObjectName } from '../contract/vm-object.ts';
import type { Kernel } from './kernel.ts';

export class VmObject {
  readonly name: ObjectName;
  /** Distinguishes objects in the page index; anonymous ones carry the serial number of OBJ-1. */
  readonly serial: number;
  references = 1;
  size: ByteCount;
  residentCount = 0;
  firstPage: FrameNumber | undefined = undefined;
  lastPage: FrameNumber | undefined = undefined;
  markedIn = 0;

  constructor(name: ObjectName, serial: number, size: ByteCount) {
    this.name = name;
    this.serial = serial;
    this.size = size;
  }
}

/** vm_object_allocate: the next anonymous object, with one reference (OBJ-1). */
export function vmObjectAllocate(kernel: Kernel, size: ByteCount): VmObject {
  const serial = ++kernel.anonymousObjects;
  const object = new VmObject(`anon${serial}`, serial, size);
  kernel.objects.set(object.name, object);
  kernel.changes.object(object);
  return object;
}

export function vmObjectReference(kernel: Kernel, object: VmObject | null): void {
  if (object === null) return;
  object.references++;
  kernel.changes.object(object);
}

/** vm_object_deallocate: the last reference frees the pages in insertion order (OBJ-2, OBJ-3). */
export function vmObjectDeallocate(kernel: Kernel, object: VmObject | null): void {
  if (object === null) return;
  object.references--;
  kernel.changes.object(object);
  if (object.references > 0) return;
  for (let page = object.firstPage; page !== undefined; page = object.firstPage) kernel.pages.free(page);
  kernel.objects.delete(object.name);
}

/** True for the two objects whose pages are freed together with the map entry (OBJ-7). */
export function freesPagesOnUnmap({ kernelObject, kmemObject }: Kernel, object: VmObject | null): boolean {
  return object === kernelObject || object === kmemObject;
}

/** vm_object_page_remove: unmaps and frees the resident pages of [offset, offset + length) modulo 2^32 (OBJ-5). */
export function vmObjectPageRemove(
  kernel: Kernel,
  object: VmObject,
  offset: ObjectOffset,
  length: number,
): void {
  if (object.residentCount === 0) return;
  for (const page of pagesInRange(kernel, object, offset, length)) {
    kernel.pmap.removeAll(page);
    kernel.pages.free(page);
  }
}

/** The resident pages of a range in insertion order: by probing offsets, or along the list where that is shorter. */
function pagesInRange(
  { pages }: Kernel,
  object: VmObject,
  offset: ObjectOffset,
  length: number,
): FrameNumber[] {
  const found: FrameNumber[] = [];
  if (length / PAGE_SIZE > object.residentCount) {
    for (let page = object.firstPage; page !== undefined; page = pages.nextInObject(page))
      if (advanceOffset(pages.offsetOf(page), -offset) < length) found.push(page);
    return found;
  }
  let ordered = true;
  let newest = -1;
  for (let at = 0; at < length; at += PAGE_SIZE) {
    const page = pages.lookup(object, advanceOffset(offset, at));
    if (page === undefined) continue;
    const sequence = pages.sequenceOf(page);
    ordered &&= sequence > newest;
    newest = sequence;
    found.push(page);
  }
  return ordered ? found : found.sort((a, b) => pages.sequenceOf(a) - pages.sequenceOf(b));
}

/**
 * vm_object_coalesce: may the object behind `previous` also back the `more` bytes that follow? If so, whatever pages
 * it still holds there are dropped and it grows (OBJ-6).
 */
export function vmObjectCoalesce(
  kernel: Kernel,
  previous: { readonly object: VmObject | null; readonly offset: ObjectOffset; readonly length: ByteCount },
  more: ByteCount,
): boolean {
  const { object, offset, length } = previous;
  if (object === null) return true;
  if (object.references > 1) return false;
  vmObjectPageRemove(kernel, object, advanceOffset(offset, length), more);
  const size = bytes(objectOffset(offset + length + more));
  if (size > object.size) object.size = size;
  kernel.changes.object(object);
  return true;
}
