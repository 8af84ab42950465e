/** The operations of pmap.c as calls: caller obligations and outcomes. Every one runs on the kernel pmap. */
import { type FrameNumber, isPageAligned, PAGE_SIZE, truncPage } from '../contract/address.ts';
import { done, flag, none, type Outcome, rejected } from '../contract/outcome.ts';
import type { PmapOperation } from '../contract/pmap.ts';
import { permits, VM_PROT_ALL } from '../contract/protection.ts';
import type { Calls } from './call.ts';
import type { Kernel } from './kernel.ts';
import { KernelPanic } from './panic.ts';

export const PMAP_CALLS: Calls<PmapOperation['kind']> = {
  pmap_enter: (kernel, { address, frame, protection, wired }) => {
    const text = kernel.pmap.enterPanic(truncPage(address));
    if (text !== undefined) throw new KernelPanic(text);
    return withOwnFrame(kernel, frame, 'PAGE-FREE-1', () => {
      kernel.pmap.enter(address, frame, { protection, wired });
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

  pmap_remove: ({ pmap }, { start, end }) => {
    if (!isPageAligned(start) || !isPageAligned(end) || start > end) return rejected('PMAP-REMOVE-1');
    pmap.remove(start, end);
    return done;
  },

  pmap_protect: ({ pmap }, { start, end, protection }) => {
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

  pmap_change_wiring: ({ pmap }, { address, wired }) => {
    pmap.changeWiring(address, { wired });
    return done;
  },

  pmap_extract: ({ pmap }, { address }) => {
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

  pmap_update: () => done,
};

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
