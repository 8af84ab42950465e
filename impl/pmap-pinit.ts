/**
 * User pmaps are born and die (pmap_create, pmap_pinit, pmap_reference, pmap_destroy, pmap_release of pmap.c).
 *
 * Their directory is a page of kernel_object that kmem_alloc gave, in simulated RAM; kernel slots are copied once, which is
 * enough because the kernel's tables never move (PMAP-KSYNC-1).
 */
import {
  bytes,
  type FrameNumber,
  objectOffset,
  PAGE_SIZE,
  PDE_SPAN,
  type VirtualAddress,
} from '../contract/address.ts';
import { recursiveSlot, userEnd } from '../contract/machine.ts';
import { done, type Outcome, rejected } from '../contract/outcome.ts';
import { KERNEL_PMAP, NULL_PMAP, PG_P, PG_RW, type PmapName, pteObjectOf } from '../contract/pmap.ts';
import { PART } from './change-log.ts';
import type { Kernel } from './kernel.ts';
import { PageTablePages } from './page-table-pages.ts';
import { PageTables, pteFor } from './page-tables.ts';
import { WORDS_PER_FRAME } from './physical-memory.ts';
import { Pmap } from './pmap.ts';
import type { Continuation } from './sched.ts';
import { kmemAlloc, kmemFree } from './vm-kern.ts';
import { VmObject, vmObjectDeallocate } from './vm-object.ts';

/** Size of the object of page-table pages: one page for each directory slot. */
const PTE_OBJECT_SIZE = bytes(WORDS_PER_FRAME * PAGE_SIZE);
/** Most references that pm_count holds (DEV-47). */
const MOST_REFERENCES = 32767;
/** Serial numbers of `pte:` objects lie below those of the objects that exist from boot on. */
const FIRST_PTE_SERIAL = -3;

/** What creating a pmap answers. */
export interface Answers {
  readonly created: Outcome;
  readonly noRoom: Outcome;
}

/** True for a name that a new pmap may have. */
export function isFreeName({ spaces: { live, creating } }: Kernel, name: PmapName): boolean {
  const reserved = name === '' || name === KERNEL_PMAP || name === NULL_PMAP;
  return !reserved && !live.has(name) && !creating.has(name);
}

/**
 * pmap_pinit, and pmap_create on a fresh record (PMAP-PINIT-1, PMAP-CREATE-1). `operation`: its number. Sleeps where kmem_alloc
 * does. Rejected (CONV-4) where the name is reserved, live or being created.
 */
export function pmapPinit(
  kernel: Kernel,
  name: PmapName,
  operation: number,
  answers: Answers,
): Outcome | Continuation {
  if (!isFreeName(kernel, name)) return rejected('CONV-4');
  const directory = kmemAlloc(kernel, kernel.kernelMap, bytes(PAGE_SIZE), operation);
  if ('kind' in directory) return answers.noRoom;
  kernel.spaces.creating.add(name);
  return begin(kernel, name, directory, answers);
}

function* begin(kernel: Kernel, name: PmapName, directory: Continuation, answers: Answers): Continuation {
  const outcome = yield* directory;
  kernel.spaces.creating.delete(name);
  if (outcome.kind !== 'address') return answers.noRoom;
  const { address } = outcome;
  const offset = objectOffset(address - kernel.config.kernelMin);
  const frame = kernel.pages.lookup(kernel.kernelObject, offset);
  // Others can have freed the range while kmem_alloc waited for a transition: then there is no page, or one of theirs.
  if (frame === undefined || kernel.spaces.isTable(frame)) return answers.noRoom;
  enroll(kernel, name, address, frame);
  return answers.created;
}

function enroll(kernel: Kernel, name: PmapName, directoryAddress: VirtualAddress, frame: FrameNumber): void {
  const { config, spaces, memory, objects, changes, tlb } = kernel;
  const end = userEnd(config);
  const number = spaces.nextNumber;
  const tables = new PageTables(memory, {
    directory: memory.physical(frame),
    first: 0,
    end: Math.ceil(end / PDE_SPAN),
  });
  memory.fill(frame, 0);
  for (const slot of kernel.tables.slots()) tables.setPde(slot, kernel.tables.pde(slot));
  tables.setPde(recursiveSlot(config), pteFor(memory.physical(frame), PG_P | PG_RW));
  const object = new VmObject(pteObjectOf(name), FIRST_PTE_SERIAL - number, PTE_OBJECT_SIZE);
  objects.set(object.name, object);
  changes.object(object);
  const pmap = new Pmap({ ...kernel, tables }, config, {
    name,
    number,
    directoryAddress,
    directoryOffset: objectOffset(directoryAddress - config.kernelMin),
    directoryFrame: frame,
    pageTablePages: new PageTablePages(kernel, tables, object),
    end,
  });
  spaces.enroll(pmap);
  spaces.claim(frame);
  tlb.flush();
  changes.part(PART.spaces);
}

/** pmap_reference (PMAP-REF-1). Rejected where the count is at its most. */
export function pmapReference(kernel: Kernel, pmap: Pmap): Outcome {
  if (pmap.references >= MOST_REFERENCES) return rejected('PMAP-REF-1');
  pmap.references++;
  if (pmap.user === null) kernel.spaces.kernelReferences++;
  kernel.changes.part(pmap.part);
  return done;
}

/** pmap_destroy: the last reference releases (PMAP-REF-1). */
export function pmapDestroy(kernel: Kernel, pmap: Pmap): Outcome | Continuation {
  if (pmap.user !== null && pmap.references === 1) return pmapRelease(kernel, pmap);
  if (pmap.user === null) {
    if (kernel.spaces.kernelReferences === 0) return rejected('PMAP-REF-1');
    kernel.spaces.kernelReferences--;
  }
  pmap.references--;
  kernel.changes.part(pmap.part);
  return done;
}

/**
 * pmap_release (PMAP-REL-1). Rejected for the kernel pmap, the current one, and while a mapping is valid. The pmap is gone at
 * once, even where freeing the page of its directory has to wait.
 */
export function pmapRelease(kernel: Kernel, pmap: Pmap): Outcome | Continuation {
  const { spaces, changes, kernelMap } = kernel;
  const { user } = pmap;
  if (user === null || user.name === spaces.current || pmap.resident > 0) return rejected('PMAP-REL-1');
  spaces.dismiss(pmap);
  spaces.release(user.directoryFrame);
  changes.part(PART.spaces);
  vmObjectDeallocate(kernel, user.pageTablePages.object);
  return kmemFree(kernel, kernelMap, user.directoryAddress, bytes(PAGE_SIZE));
}
