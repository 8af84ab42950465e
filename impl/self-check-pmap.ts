/** The audit of all pmaps and of the TLB, by plain scans of the page tables. */
import { type FrameNumber, frameNumber, objectOffset, PAGE_SIZE, PDE_SPAN } from '../contract/address.ts';
import type { AuditFinding } from '../contract/kernel-memory.ts';
import { recursiveSlot } from '../contract/machine.ts';
import { PG_A, PG_D, PG_P, PG_RW, PG_U, PG_W } from '../contract/pmap.ts';
import type { Kernel } from './kernel.ts';
import { USER_PDE } from './page-table-pages.ts';
import { PAGE_SHIFT, pteFor, SLOT_MASK, SLOT_SHIFT } from './page-tables.ts';
import { WORDS_PER_FRAME } from './physical-memory.ts';
import type { Pmap } from './pmap.ts';
import type { UserPart } from './pmap-parts.ts';
import { PLACES_PER_PMAP } from './pv-table.ts';

type Findings = Generator<AuditFinding, void, void>;

/** All places that the page tables map a frame at. */
type MappedAt = Map<FrameNumber, number[]>;

/** PTEs, pv records, the counts of valid PTEs, pm_stats, directories and the TLB tell the same story. */
export function* auditPmaps(kernel: Kernel): Findings {
  const mappedAt: MappedAt = new Map();
  yield* auditMappings(kernel.pmap, mappedAt);
  for (const pmap of kernel.spaces.live.values()) {
    yield* auditMappings(pmap, mappedAt);
    if (pmap.user !== null) yield* auditDirectory(kernel, pmap, pmap.user);
  }
  yield* auditPvLists(kernel, mappedAt);
  yield* auditTlb(kernel);
}

function* auditMappings(pmap: Pmap, mappedAt: MappedAt): Findings {
  const { tables, user } = pmap;
  const name = user === null ? '' : `${user.name}: `;
  const owner = user === null ? 0 : PG_U;
  let resident = 0;
  let wired = 0;
  const inLine = new Map<number, number>();
  for (const { address, word } of tables.words()) {
    if ((word & PG_P) === 0) {
      yield { invariant: 'INV-PMAP-NOJUNK', witness: `${name}the PTE of ${address} is ${word}` };
      continue;
    }
    if ((word & PG_U) !== owner)
      yield { invariant: 'INV-AUDIT', witness: `${name}the PTE of ${address} has the wrong U/S bit` };
    resident++;
    if ((word & PG_W) !== 0) wired++;
    const line = Math.floor(address / PDE_SPAN);
    inLine.set(line, (inLine.get(line) ?? 0) + 1);
    const frame = tables.frameOf(word);
    const places = mappedAt.get(frame) ?? [];
    places.push((user?.number ?? 0) * PLACES_PER_PMAP + address);
    mappedAt.set(frame, places);
  }
  if (pmap.resident !== resident || pmap.wired !== wired)
    yield {
      invariant: 'INV-PMAP-STATS',
      witness: `${name}resident ${pmap.resident} and wired ${pmap.wired}, but the tables hold ${resident} and ${wired}`,
    };
  for (const slot of tables.slots()) {
    const kept = tables.validInSlot(slot);
    const held = inLine.get(slot) ?? 0;
    if (kept !== held)
      yield {
        invariant: user === null ? 'INV-AUDIT' : 'INV-PMAP-PTHOLD',
        witness: `${name}slot ${slot} keeps ${kept} valid PTEs, not ${held}`,
      };
    if (user !== null && held === 0)
      yield { invariant: 'INV-PMAP-PTRECLAIM', witness: `${name}slot ${slot} keeps an empty page table` };
  }
}

/** Each word of a user directory: its own page tables, itself, the kernel's tables; nothing elsewhere. */
function* auditDirectory(
  { tables: kernelTables, config, pages, memory }: Kernel,
  pmap: Pmap,
  user: UserPart,
): Findings {
  const { tables } = pmap;
  const { object } = user.pageTablePages;
  const kernelSlots = new Set(kernelTables.slots());
  let pageTables = 0;
  for (let slot = 0; slot < WORDS_PER_FRAME; slot++) {
    const word = masked(tables.pde(slot));
    const witness = `${user.name}: slot ${slot} is ${word}`;
    const page = pages.lookup(object, objectOffset(slot * PAGE_SIZE));
    if (page !== undefined) pageTables++;
    if (slot === recursiveSlot(config)) {
      if (word !== pteFor(tables.directory, PG_P | PG_RW)) yield { invariant: 'INV-PMAP-RECURSIVE', witness };
    } else if (kernelSlots.has(slot)) {
      if (word !== masked(kernelTables.pde(slot))) yield { invariant: 'INV-PMAP-KSYNC', witness };
    } else if (word !== (page === undefined ? 0 : pteFor(memory.physical(page), USER_PDE))) {
      yield { invariant: 'INV-PMAP-PDEFRAME', witness };
    } else if (page !== undefined && pages.wireCountOf(page) !== 1) {
      yield { invariant: 'INV-PMAP-PDEFRAME', witness: `${witness}, whose page ${page} is not wired once` };
    }
  }
  if (pageTables !== object.residentCount)
    yield {
      invariant: 'INV-PMAP-PTRECLAIM',
      witness: `${user.name}: ${object.name} has ${object.residentCount} pages for ${pageTables} page tables`,
    };
}

function masked(word: number): number {
  return (word & ~(PG_A | PG_D)) >>> 0;
}

function* auditPvLists({ pv, config }: Kernel, mappedAt: MappedAt): Findings {
  for (let frame = 0; frame < config.managedPages; frame++) {
    const recorded = pv.places(frameNumber(frame)).sort((a, b) => a - b);
    const mapped = (mappedAt.get(frameNumber(frame)) ?? []).sort((a, b) => a - b);
    if (recorded.length === 0 && mapped.length === 0) continue;
    if (recorded.join() !== mapped.join())
      yield {
        invariant: 'INV-PMAP-PV',
        witness: `frame ${frame} is mapped at [${mapped.join()}] but recorded at [${recorded.join()}]`,
      };
  }
}

/** CPU-5: nothing cached leads elsewhere, or grants more, than the current tables. */
function* auditTlb({ tlb, memory }: Kernel): Findings {
  for (const { address, frame, user, writable, dirty } of tlb.entries()) {
    const pde = memory.word(tlb.directoryBase + (address >>> SLOT_SHIFT));
    const index = memory.wordsOf(pde >>> PAGE_SHIFT) + ((address >>> PAGE_SHIFT) & SLOT_MASK);
    const pte = (pde & PG_P) === 0 ? 0 : memory.word(index);
    const both = pde & pte;
    const sound =
      (both & PG_P) !== 0 &&
      pte >>> PAGE_SHIFT === frame &&
      (!user || (both & PG_U) !== 0) &&
      (!writable || (both & PG_RW) !== 0) &&
      (!dirty || (pte & PG_D) !== 0);
    if (!sound)
      yield {
        invariant: 'INV-TLB-NOSTALE',
        witness: `the TLB translates ${address} to physical frame ${frame}, but its PTE is ${pte}`,
      };
  }
}
