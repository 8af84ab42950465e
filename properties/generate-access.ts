/** Recipes for faults, memory accesses, the page-out daemon and resumption. */
import { PAGE_SIZE, roundPageUnwrapped } from '../contract/address.ts';
import { permits, VM_PROT_READ, VM_PROT_WRITE } from '../contract/protection.ts';
import type { SchedOperation } from '../contract/sched.ts';
import type { VmFaultOperation } from '../contract/vm-fault.ts';
import type { MapName } from '../contract/vm-map.ts';
import type { VmPageOperation } from '../contract/vm-page.ts';
import type { Ground } from './generate-ground.ts';
import { clip, type Recipes } from './generate-recipe.ts';
import { kernelAccessMode, userAccess } from './generate-user.ts';

const MOST_SLEEPERS = 5;

interface Place {
  readonly map: MapName;
  readonly address: number;
  /** End of the allocation, in whole pages. */
  readonly end: number;
}

/** A byte inside a live allocation whose entry grants the rights; `kernel` reaches submaps too. */
export function heldByte(ground: Ground, rights: number): Place | undefined {
  const { draw } = ground;
  const held = ground.allocation();
  if (held === undefined) return undefined;
  const end = roundPageUnwrapped(held.address + held.size);
  const count = Math.min(64, Math.max(1, Math.floor((end - held.address) / PAGE_SIZE)));
  const page = held.address + draw.below(count) * PAGE_SIZE;
  const entry = ground.entryAt(held.map, page);
  if (entry === undefined || !permits(entry.protection, rights)) return undefined;
  if (ground.mapping(page) === null && !mayFault(ground)) return undefined;
  const offset = draw.percent(50) ? draw.pick([0, 1, PAGE_SIZE - 1, 16]) : draw.below(PAGE_SIZE);
  return { map: draw.percent(25) ? 'kernel' : held.map, address: page + offset, end };
}

/** False where one more fault would put one more operation to sleep without need. */
function mayFault(ground: Ground): boolean {
  if (ground.freePages() > 0) return true;
  return ground.inFlight() < MOST_SLEEPERS && ground.draw.percent(ground.bias.shortage);
}

const WRITE = VM_PROT_READ | VM_PROT_WRITE;

/** A byte of the scratch window that is mapped now. */
function scratchByte(ground: Ground): number | undefined {
  const window = ground.machine.scratchWindow;
  if (window === null || !ground.draw.percent(20)) return undefined;
  const count = (window.end - window.start) / PAGE_SIZE;
  const page = window.start + ground.draw.below(count) * PAGE_SIZE;
  return ground.mapping(page) === null ? undefined : page + ground.draw.below(PAGE_SIZE - 16);
}

/** Start of a CPU access of `length` bytes: inside an allocation, now and then across two of its pages. */
function cpuStart(ground: Ground, rights: number, length: number): number | undefined {
  const scratch = scratchByte(ground);
  if (scratch !== undefined) return scratch;
  const place = heldByte(ground, rights);
  if (place === undefined) return undefined;
  const next = place.address - (place.address % PAGE_SIZE) + PAGE_SIZE;
  if (length > 1 && ground.draw.percent(12) && next < place.end) return next - 1;
  return Math.min(place.address, next - length);
}

const modeOf = ({ mode }: { readonly mode?: 'user' }) => (mode === undefined ? {} : { mode });

const byte = (ground: Ground): number => ground.draw.between(1, 255);

/** Faults and accesses mostly hit live allocations that permit them; resumes name runnable operations. */
export const ACCESS_RECIPES: Recipes<
  VmFaultOperation['kind'] | VmPageOperation['kind'] | SchedOperation['kind']
> = {
  vm_fault: (ground) => {
    const rights = ground.draw.pick([VM_PROT_READ, WRITE]);
    const place = heldByte(ground, rights);
    if (place === undefined) return undefined;
    return { kind: 'vm_fault', map: place.map, address: clip(place.address), protection: rights };
  },
  checked_read: (ground) => {
    const place = heldByte(ground, VM_PROT_READ);
    return place && { kind: 'checked_read', map: place.map, address: clip(place.address) };
  },
  checked_write: (ground) => {
    const place = heldByte(ground, WRITE);
    return (
      place && { kind: 'checked_write', map: place.map, address: clip(place.address), byte: byte(ground) }
    );
  },
  cpu_read: (ground) => {
    const length = ground.draw.pick([1, 2, 4, 4, 8, 16]);
    const user = userAccess(ground, length);
    if (user !== undefined) return { kind: 'cpu_read', ...modeOf(user), address: clip(user.start), length };
    const start = cpuStart(ground, VM_PROT_READ, length);
    if (start === undefined) return undefined;
    return { kind: 'cpu_read', ...kernelAccessMode(ground), address: clip(start), length };
  },
  cpu_write: (ground) => {
    const values = Array.from({ length: ground.draw.pick([1, 2, 4, 4, 8, 16]) }, () => byte(ground));
    const user = userAccess(ground, values.length);
    if (user !== undefined)
      return { kind: 'cpu_write', ...modeOf(user), address: clip(user.start), bytes: values };
    const start = cpuStart(ground, WRITE, values.length);
    if (start === undefined) return undefined;
    return { kind: 'cpu_write', ...kernelAccessMode(ground), address: clip(start), bytes: values };
  },
  vm_page_deactivate: (ground) => {
    const place = heldByte(ground, VM_PROT_READ);
    return place && { kind: 'vm_page_deactivate', map: place.map, address: clip(place.address) };
  },
  pagedaemon: () => ({ kind: 'pagedaemon' }),
  resume: (ground) => {
    const operation = ground.draw.one(ground.sched().runnable);
    return operation === undefined ? undefined : { kind: 'resume', operation };
  },
};
