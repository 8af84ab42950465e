/** Direct pmap operations of an exhaustive search: on the scratch window and with scratch pages only, and none without them. */
import { address, frameNumber, PAGE_SIZE, type VirtualAddress } from '../contract/address.ts';
import type { OperationOf } from '../contract/operation.ts';
import type { PmapOperation } from '../contract/pmap.ts';
import type { Choices } from './explore-alphabet.ts';
import type { Ground } from './explore-ground.ts';

/** One choice for each scratch page. */
const frames = <Choice>(
  { frames: all }: Ground,
  choice: (frame: ReturnType<typeof frameNumber>) => Choice,
): Choice[] => all.map((frame) => choice(frameNumber(frame)));
/** One choice for each page of the window. */
const windows = <Choice>({ window }: Ground, choice: (page: VirtualAddress) => Choice): Choice[] =>
  window.map((page) => choice(page));
const behind = (page: VirtualAddress): VirtualAddress => address(page + PAGE_SIZE);

/** Of user pmaps only what a scenario brings along is tried: there are too many places for their tables. */
const NO_USER_CHOICES = {
  pmap_create: () => [],
  pmap_pinit: () => [],
  pmap_reference: () => [],
  pmap_destroy: () => [],
  pmap_release: () => [],
  pmap_activate: () => [],
  tlb_evict: () => [],
};

export const PMAP_CHOICES: Choices<PmapOperation['kind']> = {
  ...NO_USER_CHOICES,
  pmap_extract: (ground) => windows(ground, (page) => ({ kind: 'pmap_extract', address: page })),
  pmap_is_modified: (ground) =>
    frames(ground, (frame) => ({ kind: 'pmap_is_modified', frame }) as OperationOf<'pmap_is_modified'>),
  pmap_is_referenced: (ground) =>
    frames(ground, (frame) => ({ kind: 'pmap_is_referenced', frame }) as OperationOf<'pmap_is_referenced'>),
  pmap_update: ({ window }) => (window.length > 0 ? [{ kind: 'pmap_update' }] : []),
  pmap_enter: (ground) =>
    windows(ground, (page) =>
      frames(ground, (frame) => [
        { kind: 'pmap_enter' as const, address: page, frame, protection: 3, wired: false },
        { kind: 'pmap_enter' as const, address: page, frame, protection: 1, wired: true },
      ]),
    ).flat(2),
  pmap_kenter: (ground) =>
    windows(ground, (page) =>
      frames(ground, (frame) => ({ kind: 'pmap_kenter' as const, address: page, frame })),
    ).flat(),
  pmap_remove: (ground) =>
    windows(ground, (page) => ({ kind: 'pmap_remove', start: page, end: behind(page) })),
  pmap_protect: (ground) =>
    windows(ground, (page) =>
      [0, 1].map((protection) => ({
        kind: 'pmap_protect' as const,
        start: page,
        end: behind(page),
        protection,
      })),
    ).flat(),
  pmap_page_protect: (ground) =>
    frames(ground, (frame) =>
      [0, 1].map((protection) => ({ kind: 'pmap_page_protect' as const, frame, protection })),
    ).flat(),
  pmap_change_wiring: (ground) =>
    windows(ground, (page) =>
      [false, true].map((wired) => ({ kind: 'pmap_change_wiring' as const, address: page, wired })),
    ).flat(),
  pmap_clear_modify: (ground) =>
    frames(ground, (frame) => ({ kind: 'pmap_clear_modify', frame }) as OperationOf<'pmap_clear_modify'>),
  pmap_clear_reference: (ground) =>
    frames(
      ground,
      (frame) => ({ kind: 'pmap_clear_reference', frame }) as OperationOf<'pmap_clear_reference'>,
    ),
  pmap_zero_page: (ground) => frames(ground, (frame) => ({ kind: 'pmap_zero_page', frame })),
  pmap_copy_page: (ground) =>
    frames(ground, (from) => frames(ground, (to) => ({ kind: 'pmap_copy_page' as const, from, to }))).flat(),
};
