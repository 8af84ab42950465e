/** What a pmap is made of. */
import type { FrameNumber, ObjectOffset, VirtualAddress } from '../contract/address.ts';
import type { PmapName } from '../contract/pmap.ts';
import type { ChangeLog } from './change-log.ts';
import type { PageTablePages } from './page-table-pages.ts';
import type { PageTables } from './page-tables.ts';
import type { PhysicalMemory } from './physical-memory.ts';
import type { PvTable } from './pv-table.ts';
import type { Spaces } from './spaces.ts';
import type { Tlb } from './tlb.ts';
import type { PageTable } from './vm-page.ts';

/** What a pmap is built over. */
export interface PmapParts {
  readonly memory: PhysicalMemory;
  readonly tables: PageTables;
  readonly pv: PvTable;
  readonly pages: PageTable;
  readonly changes: ChangeLog;
  readonly spaces: Spaces;
  readonly tlb: Tlb;
}

/** What a user pmap has and the kernel pmap has not. */
export interface UserPart {
  readonly name: PmapName;
  /** Tells its places in the pv table from those of other pmaps; 0 is the kernel's. */
  readonly number: number;
  /** The page of its directory: where kmem_alloc put it, in kernel_object, and which frame it is. */
  readonly directoryAddress: VirtualAddress;
  readonly directoryOffset: ObjectOffset;
  readonly directoryFrame: FrameNumber;
  readonly pageTablePages: PageTablePages;
  /** End (exclusive) of what it can map. */
  readonly end: number;
}
