/** The state right after boot (kmem_init and the boot sequence, SPEC §2). */
import type { ByteCount } from '../contract/address.ts';
import { advance, byteDistance, frameNumber, objectOffset, pages } from '../contract/address.ts';
import { BOOT_FILL, type MachineConfig } from '../contract/machine.ts';
import { KERN_SUCCESS } from '../contract/outcome.ts';
import { assert, cite } from './bookkeeping.ts';
import type { FrameContents, ModelState, VmMap, VmObject } from './state.ts';
import { createMap, insert } from './vm-map.ts';
import { vmPageAlloc, vmPageWire, vmPageZeroFill } from './vm-page.ts';

/** Boots a machine: frames, base objects, kernel map, reservations, scratch pages. */
export function bootState(machine: MachineConfig, onMapEvent: ModelState['onMapEvent']): ModelState {
  const state = bareState(machine, onMapEvent);
  cite(state, 'BOOT-1');
  reserveRanges(state, kmemInit(state));
  ownScratchPages(state);
  state.step.daemonPoked = false;
  state.touched.clear();
  return state;
}

function bareState(machine: MachineConfig, onMapEvent: ModelState['onMapEvent']): ModelState {
  const { managedPages, deviceFrames } = machine;
  const frame = (): FrameContents => ({ fill: BOOT_FILL, writes: new Map(), undefinedFill: false });
  const kernelObject = baseObject('kernel', byteDistance(machine.kernelMin, machine.kernelMax));
  const kmemObject = baseObject('kmem', machine.kmemObjectSize);
  const free = Array.from({ length: managedPages }, (_, index) => frameNumber(index));
  const state: ModelState = {
    machine,
    maps: [],
    objects: [kernelObject, kmemObject],
    kernelObject,
    kmemObject,
    anonymousSerial: 0,
    queues: { free, active: [], inactive: [] },
    freedWhileWired: 0,
    frames: Array.from({ length: managedPages + deviceFrames }, frame),
    mappings: new Map(),
    kernelPmapReferences: 0,
    userPmaps: [],
    activePmap: 'kernel',
    flights: [],
    transitions: [],
    current: 0,
    panicked: null,
    step: { woken: [], console: [], daemonPoked: false },
    placement: null,
    touched: new Set(),
    citations: new Map(),
    onMapEvent,
  };
  cite(state, 'BOOT-2');
  cite(state, 'BOOT-3');
  cite(state, 'PMAP-BOOT-1');
  return state;
}

const baseObject = (name: string, size: ByteCount): VmObject => ({
  name,
  size,
  baseReferences: 1,
  pages: [],
});

/** kmem_init: the kernel map, and the boot entry if it has any length. */
function kmemInit(state: ModelState): VmMap {
  cite(state, 'BOOT-5');
  const { kernelMin: min, kernelStart, kernelMax: max } = state.machine;
  const map = createMap(state, { name: 'kernel', min, max, pageable: false });
  insert(state, map, { start: min, end: kernelStart });
  return map;
}

/** Reserves ranges on kernel_object; one that is covered already costs a reference for ever. */
function reserveRanges(state: ModelState, map: VmMap): void {
  for (const { start, length } of state.machine.reserved) {
    cite(state, 'BOOT-6');
    const offset = objectOffset(start - state.machine.kernelMin);
    const code = insert(state, map, { start, end: advance(start, length) }, state.kernelObject, offset);
    if (code !== KERN_SUCCESS) state.kernelObject.baseReferences += 1;
  }
}

/** Hands the first frames to the harness, wired and zero. */
function ownScratchPages(state: ModelState): void {
  const { scratchPages } = state.machine;
  if (scratchPages === 0) return;
  const scratch = baseObject('scratch', pages(scratchPages));
  state.objects.push(scratch);
  for (let index = 0; index < scratchPages; index += 1) {
    const page = vmPageAlloc(state, scratch, objectOffset(pages(index)));
    assert(page !== undefined, 'a sound machine has its scratch pages');
    vmPageZeroFill(state, page);
    vmPageWire(state, page);
  }
}
