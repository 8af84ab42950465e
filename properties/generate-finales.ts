/** Operations that stop the machine: a scenario may end with one (SPEC §12). */
import { ADDRESS_SPACE_END, bytes, PAGE_SIZE, PDE_SPAN } from '../contract/address.ts';
import { highestKernelAddress, kernelSlots } from '../contract/machine.ts';
import type { Operation } from '../contract/operation.ts';
import * as call from './generate-calls.ts';
import type { ErrorRecipe } from './generate-errors.ts';
import type { Ground } from './generate-ground.ts';
import { suballocPanics } from './generate-kmem.ts';
import { ownFrame } from './generate-pmap.ts';
import { clip, mallocMap, someMap } from './generate-recipe.ts';
import { largestHole, oversize, vanishingSize } from './selectors.ts';

/** An address that pmap_enter cannot serve: above the kernel, or in a line without page table. */
function nowhere(ground: Ground): number | undefined {
  const { machine, draw } = ground;
  const above = highestKernelAddress(machine) + 1;
  const { first, end } = kernelSlots(machine);
  const options = [(first - 1) * PDE_SPAN + PAGE_SIZE, PAGE_SIZE];
  if (above < ADDRESS_SPACE_END) options.push(above, above, ADDRESS_SPACE_END - PAGE_SIZE);
  if (end * PDE_SPAN < highestKernelAddress(machine)) options.push(end * PDE_SPAN);
  return draw.one(options);
}

function enterNowhere(ground: Ground): Operation | undefined {
  const at = nowhere(ground);
  const frame = ownFrame(ground);
  if (at === undefined || frame === undefined) return undefined;
  return { kind: 'pmap_enter', address: clip(at), frame, protection: 7, wired: false };
}

function kenterNowhere(ground: Ground): Operation | undefined {
  const at = nowhere(ground);
  const frame = ownFrame(ground);
  return at === undefined || frame === undefined
    ? undefined
    : { kind: 'pmap_kenter', address: clip(at), frame };
}

/** A submap behind a touched pageable range: its null entry grows the anonymous one. */
function submapBehindTouched(ground: Ground): Operation | undefined {
  if (ground.pools().freeMaps === 0 || !suballocPanics(ground, 'kernel', PAGE_SIZE)) return undefined;
  return call.suballoc(ground.freshName('sub'), 'kernel', PAGE_SIZE, { pageable: false });
}

/** A map record more than the static pool has, before kmem exists. */
function oneMapTooMany(ground: Ground): Operation | undefined {
  if (ground.known('kmem') !== undefined || ground.pools().freeMaps > 0) return undefined;
  const { kernelStart: min } = ground.machine;
  const max = clip(min + PAGE_SIZE);
  return { kind: 'vm_map_create', name: ground.freshName('map'), min, max, pageable: false };
}

/** Ways to stop the machine on purpose, one for each panic that a single call can raise. */
export const FINALES: readonly ErrorRecipe[] = [
  {
    kind: 'kmem_malloc',
    weight: 6,
    make: (ground) => {
      if (ground.known('kmem') === undefined) return undefined;
      const wrong = someMap(ground, 60, ({ name }) => name !== 'kmem' && name !== 'mb');
      return wrong === 'kmem' || wrong === 'mb'
        ? undefined
        : call.malloc(wrong, PAGE_SIZE, { canWait: ground.draw.percent(50) });
    },
  },
  {
    kind: 'kmem_malloc',
    weight: 6,
    make: (ground) => {
      const map = mallocMap(ground);
      return map === undefined ? undefined : call.malloc(map, oversize(ground, map), { canWait: true });
    },
  },
  {
    kind: 'kmem_suballoc',
    weight: 6,
    make: (ground) => {
      const parent = someMap(ground, 70, ({ standing }) => standing === 'attached');
      const size = ground.draw.percent(50) ? vanishingSize(ground) : largestHole(ground, parent) + PAGE_SIZE;
      const name = ground.freshName('sub');
      return {
        kind: 'kmem_suballoc',
        name,
        parent,
        size: bytes(Math.min(size, ADDRESS_SPACE_END - 1)),
        pageable: false,
      };
    },
  },
  { kind: 'kmem_suballoc', weight: 8, make: submapBehindTouched },
  { kind: 'vm_map_create', weight: 8, make: oneMapTooMany },
  { kind: 'pmap_enter', weight: 4, make: enterNowhere },
  { kind: 'pmap_kenter', weight: 3, make: kenterNowhere },
];
