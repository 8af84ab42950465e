/** VM objects: allocation, reference counting, removal of page ranges (vm_object.c). */
import { type ByteCount, bytes, type ObjectOffset as Offset, objectOffset } from '../contract/address.ts';
import { cite, touch } from './bookkeeping.ts';
import { pmapRemoveAll } from './pmap.ts';
import type { ModelState, VmObject } from './state.ts';
import { vmPageFree } from './vm-page.ts';

/** vm_object_allocate: an empty anonymous object under the next serial number, named by nobody yet. */
export function vmObjectAllocate(state: ModelState, size: ByteCount): VmObject {
  cite(state, 'OBJ-1');
  state.anonymousSerial += 1;
  const object: VmObject = { name: `anon${state.anonymousSerial}`, size, baseReferences: 0, pages: [] };
  state.objects.push(object);
  touch(state, object);
  return object;
}

/** The reference count: what the object starts with, and every entry of every map that names it. */
export function objectReferences({ maps }: ModelState, object: VmObject): number {
  let references = object.baseReferences;
  for (const { entries } of maps) for (const entry of entries) if (entry.object === object) references += 1;
  return references;
}

/** vm_object_deallocate, after a reference has gone: the last frees the pages in insertion order; the caller unmaps. */
export function vmObjectDeallocate(state: ModelState, object: VmObject | null): void {
  if (object === null) {
    cite(state, 'OBJ-2');
    return;
  }
  cite(state, 'OBJ-4');
  touch(state, object);
  if (objectReferences(state, object) > 0) return;
  cite(state, 'OBJ-3');
  for (const page of [...object.pages]) vmPageFree(state, page);
  state.objects.splice(state.objects.indexOf(object), 1);
}

/** vm_object_page_remove: unmaps and frees, in insertion order, every page of `length` bytes from `start`, modulo 2^32. */
export function vmObjectPageRemove(state: ModelState, object: VmObject, start: Offset, length: number): void {
  cite(state, 'OBJ-5');
  for (const page of object.pages.filter(({ offset }) => objectOffset(offset - start) < length)) {
    pmapRemoveAll(state, page.frame);
    vmPageFree(state, page);
  }
}

/** vm_object_coalesce: lets an object with one reference serve `more` bytes from `tail` on, rid of old pages there. */
export function vmObjectCoalesce(state: ModelState, object: VmObject, tail: Offset, more: number): boolean {
  cite(state, 'OBJ-6');
  if (objectReferences(state, object) > 1) return false;
  vmObjectPageRemove(state, object, tail, more);
  object.size = bytes(Math.max(object.size, objectOffset(tail + more)));
  touch(state, object);
  return true;
}
