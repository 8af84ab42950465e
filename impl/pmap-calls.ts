/**
 * The operations of pmap.c as calls: caller obligations and outcomes. The null pmap answers before anything is looked at,
 * and what concerns a frame runs on the kernel pmap, from which all others are reached.
 */
import { type FrameNumber, isPageAligned, PAGE_SIZE, truncPage } from '../contract/address.ts';
import { done, flag, none, type Outcome, type Rejected, rejected } from '../contract/outcome.ts';
import { KERNEL_PMAP, NULL_PMAP, type PmapName, type PmapOperation } from '../contract/pmap.ts';
import { permits, VM_PROT_ALL } from '../contract/protection.ts';
import type { Calls } from './call.ts';
import { PART } from './change-log.ts';
import type { Kernel } from './kernel.ts';
import { KernelPanic } from './panic.ts';
import { Pmap } from './pmap.ts';
import { isFreeName, pmapDestroy, pmapPinit, pmapReference, pmapRelease } from './pmap-pinit.ts';

/** What pmap_create and pmap_pinit answer. */
const CREATE = { created: done, noRoom: none } as const;
const PINIT = { created: flag(true), noRoom: flag(false) } as const;

export const PMAP_CALLS: Calls<PmapOperation['kind']> = {
  pmap_create: (kernel, { name, size }, number) =>
    size === 0
      ? pmapPinit(kernel, name, number, CREATE)
      : isFreeName(kernel, name)
        ? none
        : rejected('CONV-4'),

  pmap_pinit: (kernel, { name }, number) => pmapPinit(kernel, name, number, PINIT),

  pmap_reference: (kernel, { pmap: name }) => {
    const pmap = pmapNamed(kernel, name);
    return pmap instanceof Pmap ? pmapReference(kernel, pmap) : (pmap ?? done);
  },

  pmap_destroy: (kernel, { pmap: name }) => {
    const pmap = pmapNamed(kernel, name);
    return pmap instanceof Pmap ? pmapDestroy(kernel, pmap) : (pmap ?? done);
  },

  pmap_release: (kernel, { pmap: name }) => {
    const pmap = pmapNamed(kernel, name);
    return pmap instanceof Pmap ? pmapRelease(kernel, pmap) : (pmap ?? done);
  },

  pmap_activate: (kernel, { pmap: name }) => {
    const pmap = pmapNamed(kernel, name) ?? NO_PMAP;
    if (!(pmap instanceof Pmap)) return pmap;
    kernel.spaces.current = pmap.user?.name ?? KERNEL_PMAP;
    kernel.tlb.load(pmap.tables.directoryBase);
    kernel.changes.part(PART.spaces);
    return done;
  },

  tlb_evict: ({ tlb }, { start, end }) => {
    if (!isPageAligned(start) || !isPageAligned(end) || start > end) return rejected('CPU-4');
    tlb.evict(start, end);
    return done;
  },

  pmap_enter: (kernel, { pmap: name, address, frame, protection, wired }) => {
    const pmap = pmapNamed(kernel, name);
    if (!(pmap instanceof Pmap)) return pmap ?? done;
    const page = truncPage(address);
    const text = pmap.enterPanic(page);
    if (text !== undefined) throw new KernelPanic(text);
    if (!pmap.reaches(page)) return rejected('PMAP-ENTER-1');
    return withOwnFrame(kernel, frame, 'PAGE-FREE-1', () => {
      pmap.enter(address, frame, { protection, wired });
      return done;
    });
  },

  pmap_kenter: (kernel, { address, frame }) => {
    const text = kernel.pmap.enterPanic(truncPage(address));
    if (text !== undefined) throw new KernelPanic(text);
    return withOwnFrame(kernel, frame, 'PAGE-FREE-1', () => {
      kernel.pmap.kenter(address, frame);
      return done;
    });
  },

  pmap_remove: (kernel, { pmap: name, start, end }) => {
    const pmap = pmapNamed(kernel, name);
    if (!(pmap instanceof Pmap)) return pmap ?? done;
    if (!isPageAligned(start) || !isPageAligned(end) || start > end) return rejected('PMAP-REMOVE-1');
    pmap.remove(start, end);
    return done;
  },

  pmap_protect: (kernel, { pmap: name, start, end, protection }) => {
    const pmap = pmapNamed(kernel, name);
    if (!(pmap instanceof Pmap)) return pmap ?? done;
    if (!isPageAligned(start) || !isPageAligned(end) || start > end) return rejected('PMAP-PROT-1');
    if (!permits(VM_PROT_ALL, protection)) return rejected('PMAP-PROT-1');
    pmap.protect(start, end, protection);
    return done;
  },

  pmap_page_protect: (kernel, { frame, protection }) =>
    withFrame(kernel, frame, () => {
      kernel.pmap.pageProtect(frame, protection);
      return done;
    }),

  pmap_change_wiring: (kernel, { pmap: name, address, wired }) => {
    const pmap = pmapNamed(kernel, name);
    if (!(pmap instanceof Pmap)) return pmap ?? done;
    pmap.changeWiring(address, { wired });
    return done;
  },

  pmap_extract: (kernel, { pmap: name, address }) => {
    const pmap = pmapNamed(kernel, name);
    if (!(pmap instanceof Pmap)) return pmap ?? none;
    const frame = pmap.extract(address);
    return frame === undefined ? none : { kind: 'frame', frame, offset: address % PAGE_SIZE };
  },

  pmap_is_modified: (kernel, { frame }) =>
    withFrame(kernel, frame, () => flag(kernel.pmap.isModified(frame))),

  pmap_is_referenced: (kernel, { frame }) =>
    withFrame(kernel, frame, () => flag(kernel.pmap.isReferenced(frame))),

  pmap_clear_modify: (kernel, { frame }) =>
    withFrame(kernel, frame, () => {
      kernel.pmap.clearModify(frame);
      return done;
    }),

  pmap_clear_reference: (kernel, { frame }) =>
    withFrame(kernel, frame, () => {
      kernel.pmap.clearReference(frame);
      return done;
    }),

  pmap_zero_page: (kernel, { frame }) =>
    withOwnFrame(kernel, frame, 'PMAP-ZERO-1', () => {
      kernel.memory.fill(frame, 0);
      return done;
    }),

  pmap_copy_page: (kernel, { from, to }) =>
    withOwnFrame(kernel, from, 'PMAP-ZERO-1', () =>
      withOwnFrame(kernel, to, 'PMAP-ZERO-1', () => {
        kernel.memory.copy(from, to);
        return done;
      }),
    ),

  pmap_update: ({ tlb }) => {
    tlb.flush();
    return done;
  },
};

/** The answer to a name that no pmap bears. */
const NO_PMAP = rejected('CONV-4');

/** The pmap of that name (none: the kernel's), null for the null pmap, or the answer to a name that no pmap bears. */
function pmapNamed({ pmap, spaces }: Kernel, name: PmapName | undefined): Pmap | Rejected | null {
  if (name === undefined || name === KERNEL_PMAP) return pmap;
  if (name === NULL_PMAP) return null;
  return spaces.live.get(name) ?? NO_PMAP;
}

function withFrame({ config }: Kernel, frame: FrameNumber, act: () => Outcome): Outcome {
  const exists = frame >= 0 && frame < config.managedPages + config.deviceFrames;
  return exists ? act() : rejected('CONV-4');
}

/** Runs `act` on a frame that the harness owns (device frame or scratch page); rejects others under `rule`. */
function withOwnFrame(kernel: Kernel, frame: FrameNumber, rule: string, act: () => Outcome): Outcome {
  const { pmap, config } = kernel;
  return withFrame(kernel, frame, () =>
    pmap.isManaged(frame) && frame >= config.scratchPages ? rejected(rule) : act(),
  );
}
