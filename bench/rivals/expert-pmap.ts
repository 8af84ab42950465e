/** The expert's commands on the pmap, in the window and on the frames that are the caller's own. */
import fc from 'fast-check';
import { address, type FrameNumber, frameNumber, PAGE_SIZE } from '../../contract/address.ts';
import type { Ground } from '../../properties/generate-ground.ts';
import { byteOf } from './expert-bind.ts';
import { type Entry, entry } from './expert-entry.ts';
import { rights, touched } from './expert-picks.ts';

const record = <Fields extends object>(fields: { [Name in keyof Fields]: fc.Arbitrary<Fields[Name]> }) =>
  fc.record<Fields>(fields, { noNullPrototype: true });

/** A page of the window, modulo its length. */
const windowPages = fc.nat({ max: 3 });
/** A scratch page or a device frame, modulo how many there are. */
const ownFrames = fc.nat({ max: 7 });

function windowAt({ machine: { scratchWindow } }: Ground, page: number) {
  if (scratchWindow === null) return undefined;
  const { start, end } = scratchWindow;
  return address(start + (page % ((end - start) / PAGE_SIZE)) * PAGE_SIZE);
}

function windowRange(ground: Ground, page: number, length: number) {
  const start = windowAt(ground, page);
  const end = ground.machine.scratchWindow?.end;
  if (start === undefined || end === undefined) return undefined;
  return { start, end: address(Math.min(end, start + length * PAGE_SIZE)) };
}

function ownFrame(
  { machine: { scratchPages, managedPages, deviceFrames } }: Ground,
  nth: number,
): FrameNumber | undefined {
  const all = scratchPages + deviceFrames;
  if (all === 0) return undefined;
  const at = nth % all;
  return frameNumber(at < scratchPages ? at : managedPages + at - scratchPages);
}

const anyFrame = ({ machine: { managedPages, deviceFrames } }: Ground, nth: number): FrameNumber =>
  frameNumber(nth % (managedPages + deviceFrames));

const frames = fc.oneof(
  { weight: 2, arbitrary: fc.nat({ max: 4 }) },
  { weight: 1, arbitrary: fc.nat({ max: 400 }) },
);
const spans = record({
  page: windowPages,
  length: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 1, max: 4 }) },
    { weight: 1, arbitrary: fc.constant(0) },
  ),
});

/** Commands by kind, each with its share. */
export const PMAP_ENTRIES: readonly Entry[] = [
  entry(
    5,
    record({
      page: windowPages,
      nth: ownFrames,
      protection: rights,
      wired: fc.boolean(),
      byte: fc.constantFrom(0, 0, 0, 5),
    }),
    (ground, { page, nth, protection, wired, byte }) => {
      const at = windowAt(ground, page);
      const frame = ownFrame(ground, nth);
      if (at === undefined || frame === undefined) return undefined;
      return { kind: 'pmap_enter', address: address(at + byte), frame, protection, wired };
    },
  ),
  entry(4, record({ page: windowPages, nth: ownFrames }), (ground, { page, nth }) => {
    const at = windowAt(ground, page);
    const frame = ownFrame(ground, nth);
    return at === undefined || frame === undefined ? undefined : { kind: 'pmap_kenter', address: at, frame };
  }),
  entry(3, spans, (ground, { page, length }) => {
    const found = windowRange(ground, page, length);
    return found && { kind: 'pmap_remove', ...found };
  }),
  entry(3, record({ span: spans, protection: rights }), (ground, { span: { page, length }, protection }) => {
    const found = windowRange(ground, page, length);
    return found && { kind: 'pmap_protect', ...found, protection };
  }),
  entry(2, record({ nth: ownFrames, protection: rights }), (ground, { nth, protection }) => {
    const frame = ownFrame(ground, nth);
    return frame === undefined ? undefined : { kind: 'pmap_page_protect', frame, protection };
  }),
  entry(2, record({ page: windowPages, wired: fc.boolean() }), (ground, { page, wired }) => {
    const at = windowAt(ground, page);
    return at === undefined ? undefined : { kind: 'pmap_change_wiring', address: at, wired };
  }),
  entry(
    2,
    record({ place: touched, page: windowPages, own: fc.boolean() }),
    (ground, { place, page, own }) => {
      const at = own ? windowAt(ground, page) : byteOf(ground, place)?.at;
      return at === undefined ? undefined : { kind: 'pmap_extract', address: address(at) };
    },
  ),
  entry(2, frames, (ground, nth) => ({ kind: 'pmap_is_modified', frame: anyFrame(ground, nth) })),
  entry(2, frames, (ground, nth) => ({ kind: 'pmap_is_referenced', frame: anyFrame(ground, nth) })),
  entry(1, frames, (ground, nth) => ({ kind: 'pmap_clear_modify', frame: anyFrame(ground, nth) })),
  entry(1, frames, (ground, nth) => ({ kind: 'pmap_clear_reference', frame: anyFrame(ground, nth) })),
  entry(1, ownFrames, (ground, nth) => {
    const frame = ownFrame(ground, nth);
    return frame === undefined ? undefined : { kind: 'pmap_zero_page', frame };
  }),
  entry(1, record({ one: ownFrames, other: ownFrames }), (ground, { one, other }) => {
    const from = ownFrame(ground, one);
    const to = ownFrame(ground, other);
    return from === undefined || to === undefined ? undefined : { kind: 'pmap_copy_page', from, to };
  }),
  entry(1, fc.constant(null), () => ({ kind: 'pmap_update' })),
];
