/** What each rule of the contract says, in one sentence and in the order of the specification. */
export const RULE_SENTENCES = {
  'CONV-1':
    'Addresses, sizes and offsets are unsigned 32-bit numbers, and a sum that may carry is computed wider and tested.',
  'CONV-2': 'A page has 4096 bytes; rounding a size up overflows for sizes above 0xFFFFF000.',
  'CONV-3': 'Every interval contains its start and excludes its end.',
  'CONV-4':
    'An operation returns, fails with a code, stops the machine for good, or is rejected unexecuted when its caller broke an obligation.',
  'CONV-5': 'A failed operation leaves the state as it was, apart from the residue that its rule names.',
  'CONV-6': 'Checks run in the stated order, and the first that fails decides the result.',
  'CONV-7':
    'Entries are visited by address, object pages in the order they came, and FREE is first in, first out; so frame numbers are determined.',
  'BOOT-1': 'Pages, objects and map pools exist before the kernel map, and the kernel map before any submap.',
  'BOOT-2': 'At boot every managed frame is free, in ascending order.',
  'BOOT-3': 'At boot the kernel object and the kmem object exist with one reference each and no pages.',
  'BOOT-4':
    'The boot page directory names itself in the recursive slot and one static page table for each slot of the kernel map.',
  'BOOT-5':
    'The kernel map starts at the lowest kernel address, and its first entry covers what the kernel image occupies, if anything.',
  'BOOT-6':
    'A reserved range is inserted on the kernel object; where the range is taken the insertion fails, but its reference stays.',
  'BOOT-7':
    'The boot entry is an entry like any other: it can be freed, wired, protected, and it grows over a null range behind it.',
  'SCHED-1': 'One thread runs at a time, until it finishes its operation or reaches a yield point.',
  'SCHED-2':
    'A wakeup makes every sleeper of its event runnable, in the order their operations started, and is lost when there is none.',
  'SCHED-3': 'Operations sleep for free pages, for room in a map, or for the end of a transition in a map.',
  'SCHED-4':
    'Waiting for a page pokes the page-out daemon and sleeps without holding the lock of a kernel map.',
  'SCHED-5':
    'A pass of the page-out daemon wakes everybody who waits for pages, whether or not it found any.',
  'SCHED-6': 'Only the page-out daemon wakes those who wait for pages; freeing frames does not.',
  'SCHED-7': 'All operations asleep with no frame free is a legal end of a run, not a lost wakeup.',
  'SCHED-8': 'A woken operation looks at its condition again and may go back to sleep.',
  'LOCK-1': 'A map lock is shared or exclusive and may be slept for, though never by an interrupt.',
  'LOCK-2':
    'Object, queue and pmap locks do nothing on one processor and are never held across a yield point.',
  'LOCK-3': 'No operation sleeps while it holds the lock of a kernel map, except an eager copy.',
  'LOCK-4': 'Wiring user memory keeps the map lock shared while it sleeps for pages.',
  'LOCK-5': 'No operation returns with a lock that it took.',
  'LOCK-6': 'A writer waits for all readers, holds new ones off, and a second upgrade fails.',
  'SPL-1':
    'An interrupt may only allocate without waiting, free what it owns, or touch wired memory, and is never interrupted itself.',
  'SPL-2':
    'Threads block interrupts while they work on the maps that interrupts use; sleeping unblocks them.',
  'SPL-3': 'Interrupts that enter this subsystem arrive at interrupt points only.',
  'PAGE-ALLOC-1': 'Without a free frame a page allocation fails at once and does not poke the daemon.',
  'PAGE-ALLOC-2':
    'A new page takes the frame that has been free longest, as it is, on no queue and unwired, behind the other pages of its object.',
  'PAGE-ALLOC-3': 'An allocation that leaves free memory below its thresholds pokes the page-out daemon.',
  'PAGE-LOOKUP-1':
    'Looking up an offset of an object finds the page resident there, if any, and changes nothing.',
  'PAGE-FREE-1':
    'A freed page leaves its object and its queue, and its frame goes to the tail of FREE; wire counts are forgotten, not given back.',
  'PAGE-WIRE-1':
    'The first wiring of a page takes it off its queue and counts it as wired; further ones only count up.',
  'PAGE-WIRE-2':
    'The last unwiring of a page puts it on ACTIVE; a page that was never wired joins ACTIVE unless it is queued already.',
  'PAGE-ACT-1':
    'Activating an unwired page moves it to the tail of ACTIVE, and one that is active already stops the machine.',
  'PAGE-ACT-2':
    'Deactivating moves an active page to the tail of INACTIVE with its reference bits cleared, and leaves any other page alone.',
  'PAGE-FILL-1': 'Zero-filling makes all bytes of a page zero.',
  'PAGE-FILL-2': 'Copying a page makes all bytes of the target equal to those of the source.',
  'PAGE-BUSY-1': 'Whoever finds a page busy sleeps until it is released.',
  'PAGE-REN-1': 'Renaming gives a page another object and offset and keeps all else.',
  'PAGE-INS-1': 'Inserting a page that is in an object already stops the machine.',
  'OBJ-1':
    'A new object has one reference and no pages, and takes the next serial number even if it dies within the operation.',
  'OBJ-2': 'Taking or dropping a reference to no object does nothing.',
  'OBJ-3': 'An object that loses its last reference frees its pages in the order they came and is gone.',
  'OBJ-4': 'An object has one reference for each entry that names it, and a base object one more.',
  'OBJ-5':
    'Removing a range of an object unmaps and frees, in insertion order, every page whose offset lies in it modulo 2^32.',
  'OBJ-6':
    'An object that nobody shares can be extended, and the pages left where it grows are freed first; no object extends always.',
  'OBJ-7':
    'Deleting an entry frees pages at once only for the kernel and kmem objects; any other object keeps them until it dies or is extended.',
  'MAP-0':
    'Bounds that are not page-aligned are refused, after the clamp where there is one, and nothing changes.',
  'MAP-CLAMP': 'A range is cut down to the map, and an inverted one becomes empty.',
  'MAP-CREATE-1':
    'A new map is empty; it takes a static record as long as there is no kmem map, and stops the machine when none is left.',
  'MAP-CREATE-2':
    'A map that loses its last reference is emptied, and its record goes back to where it came from.',
  'MAP-ENTRY-1':
    'Entries come from the heap or from the static pool, as the map says, and an empty pool stops the machine.',
  'MAP-LOOKUP-1':
    'Looking up an address finds the entry that contains it, or the last one that ends at or before it.',
  'MAP-INSERT-1': 'An insertion outside the map, or of an empty range, is refused with INVALID_ADDRESS.',
  'MAP-INSERT-2': 'An insertion over an existing entry is refused with NO_SPACE.',
  'MAP-INSERT-3':
    'A successful insertion takes over the reference to the object; a failed one leaves it with the caller.',
  'MAP-INSERT-4': 'A new entry has all rights, is inherited by copy, and is not wired.',
  'MAP-INSERT-5':
    'A null range extends the entry before it when that one has default attributes and its object can be extended.',
  'MAP-INSERT-6': 'An insertion adds its length to the map, and an entry only when it did not extend one.',
  'MAP-SPACE-1':
    'A search finds the lowest free page-aligned address with enough room, whatever happened before; a length of zero fits nowhere.',
  'MAP-FIND-1':
    'Finding inserts at the first fit, or exactly at the address given, and reports where only on success.',
  'MAP-CLIP-1':
    'Splitting an entry gives two that back every address as before, and the object one more reference.',
  'MAP-CLIP-2':
    'The pieces of a split placeholder name the same submap, each with a reference, and together cover exactly its bounds.',
  'MAP-CLIP-3': 'Splitting needs an entry, so freeing the middle of a range can run out of them.',
  'MAP-CLIP-4':
    'The split at the start of a range stays when the operation then refuses or finds nothing to do, also for an empty range.',
  'MAP-SIMPL-1': 'Two adjacent entries merge when one continues the other and no attribute tells them apart.',
  'MAP-SUB-1':
    'Only a part of one unwired entry without object can become the placeholder of a map that has just these bounds and no parent.',
  'MAP-SUB-2': 'The placeholder is split out exactly and holds a reference to the submap.',
  'MAP-SUB-3':
    'Protecting or wiring a placeholder is refused, unwiring one finds it unwired, and a fault goes on in the submap.',
  'MAP-PROT-1':
    'A change of protection clamps its range, insists on alignment, and splits at its start, in this order.',
  'MAP-PROT-2':
    'The first placeholder, or entry that may not have the new rights, decides that no protection changes.',
  'MAP-PROT-3':
    'A change of protection replaces the rights, or intersects them when it lowers the maximum as well.',
  'MAP-PROT-4': 'Where protection changed, mappings lose the rights it no longer grants and gain none.',
  'MAP-PROT-5':
    'Wired memory that loses READ loses its mappings but stays resident and wired, and the next fault after READ returns restores them.',
  'MAP-INH-1':
    'An unknown inheritance is refused before anything else; a known one is set on every entry of the range, holes ignored.',
  'MAP-PAGE-1': 'Wiring and unwiring refuse a range that does not start inside an entry.',
  'MAP-PAGE-2':
    'Unwiring refuses holes and unwired entries before it lowers any count, and releases the pages where a count reaches zero.',
  'MAP-PAGE-3': 'Wiring an empty range does nothing, and wiring a range with a placeholder is refused.',
  'MAP-PAGE-4':
    'Wiring first gives entries objects, splits and counts up; at a hole it takes the counts back and leaves the rest.',
  'MAP-PAGE-5': 'Wiring then faults in, with the map unlocked, every page that was not wired before.',
  'MAP-PAGE-6': 'Once its counts are raised, wiring cannot fail any more.',
  'MAP-PAGE-7':
    'When wiring succeeds every page of the range is resident, wired and mapped, whoever brought it in.',
  'MAP-TRANS-0':
    'A range is in transition while an operation fills it with pages or wires them, however its entries are split or merged meanwhile.',
  'MAP-TRANS-1':
    'An operation that would disturb the transition of another one sleeps until it has ended and then starts over.',
  'MAP-DEL-1':
    'A placeholder can be deleted only as a whole, and only when its submap is empty and nobody waits for room in it.',
  'MAP-DEL-2': 'Deleting splits at both ends and unwires, unmaps and unlinks entry by entry.',
  'MAP-DEL-3': 'Deleting skips holes and succeeds even where there is nothing.',
  'MAP-DEL-4': 'Removing is deleting after a clamp and a check of alignment.',
  'MAP-CHK-1':
    'A range has a protection when its start is in an entry and entries with these rights cover it without a hole.',
  'FAULT-1': 'A fault is raised for one page of a map, with the rights that the access needs.',
  'FAULT-2':
    'A fault without an entry is an invalid address, one in a placeholder goes on in the submap, and one beyond the rights is refused.',
  'FAULT-3': 'A fault maps the page with the rights of the entry, wired when the entry is.',
  'FAULT-4': 'A fault gives an entry without object one of its length.',
  'FAULT-5': 'A fault holds its object only while it runs, never across a sleep.',
  'FAULT-6': 'A fault that finds its page resident takes it off its queue first.',
  'FAULT-7': 'A fault that finds no page makes one of zeroes, or sleeps for a frame and starts over.',
  'FAULT-8': 'A fault in a user address space makes sure of its page-table page first.',
  'FAULT-9': 'A fault ends with the page mapped, and activated or with its wire count changed.',
  'FAULT-10': 'A fault on a page that is mapped correctly changes nothing that can be read.',
  'FAULT-WIRE-1': 'Wiring faults page by page, in ascending order, and no protection refuses it.',
  'FAULT-UNW-1':
    'Unwiring releases the page mapped at each address, or the resident one behind it, and stops the machine where there is neither.',
  'FAULT-TRAP-1':
    'A supervisor access that finds no mapping faults in the kernel map, and a fault that fails is an unhandled trap.',
  'KM-SIZE-1':
    'A request for nothing, or for more than rounding can hold, fails at once and changes nothing.',
  'KM-PAGEABLE-1': 'A pageable allocation reserves the first fit without object and without pages.',
  'KM-ALLOC-1': 'An allocation without room for it returns nothing and changes nothing.',
  'KM-ALLOC-2':
    'An allocation takes its range on the kernel object, at the offset its address fixes, before it has any page.',
  'KM-ALLOC-3':
    'An allocation zero-fills a page for each address, ascending, and sleeps where no frame is free.',
  'KM-ALLOC-4': 'An allocation with all its pages wires them and merges its entry into the one before.',
  'KM-ALLOC-5': 'Allocated memory is resident, wired and zero, whoever had the frames before.',
  'KM-ALLOC-6': 'An allocation keeps its range for as long as it sleeps, for ever if no page comes.',
  'KM-FREE-1':
    'Freeing takes every page that the byte range touches, computed without wrapping; freeing nothing does nothing.',
  'KM-FREE-2': 'What was freed has no entry, and its kernel pages are unmapped and on FREE.',
  'KM-FREE-3': 'Freeing does not wake those who wait for room in the map.',
  'KM-FREE-4': 'A range to free may contain holes, parts of allocations, or several of them.',
  'KM-SUB-1': 'A submap that finds no room prints the code and stops the machine.',
  'KM-SUB-2':
    'A new submap has two references, and stops the machine when its range was merged into an entry with an object.',
  'KM-SUB-3': 'The parent holds exactly one placeholder with the bounds of a new submap.',
  'KM-MALLOC-1':
    'Only the kmem and mb maps serve this allocator; any other stops the machine before its size is looked at.',
  'KM-MALLOC-2': 'Without room a caller that may wait stops the machine, and any other gets nothing.',
  'KM-MALLOC-3': 'A block lies on the kmem object, at its distance from the start of the kmem map.',
  'KM-MALLOC-4': 'A caller that may wait gets its pages from wiring, zero-filled.',
  'KM-MALLOC-5':
    'A caller that may not wait gets all its pages at once or none, and then they go back to FREE from the highest down.',
  'KM-MALLOC-6':
    'A block given without waiting is mapped and marked wired, but its pages are not zeroed and not counted as wired.',
  'KM-MALLOC-7':
    'Blocks given with and without waiting may merge; how pages are counted stays with each page.',
  'KM-WAIT-1':
    'A waiting allocation sleeps until room is freed and announced, unless the map is too small for it altogether.',
  'KM-WAIT-2': 'A request that fits the map but never finds room waits for ever.',
  'KM-WAKE-1': 'Freeing with a wakeup wakes all who wait for room in the map, even if nothing was freed.',
  'KM-INIT-1': 'The kernel map is set up once, at boot.',
  'PMAP-BOOT-1': 'After boot the kernel pmap has one reference and counts no mapping.',
  'PMAP-CREATE-1': 'A pmap of a given size is none; any other gets a directory, if there is room for it.',
  'PMAP-PINIT-1': 'A new directory shares the kernel slots and names itself.',
  'PMAP-REF-1': 'A pmap lives until its last reference is destroyed.',
  'PMAP-REL-1': 'Releasing a pmap frees its directory, which must hold no user mapping and not be in use.',
  'PMAP-ENTER-1': 'Entering a mapping above the kernel, or where no kernel page table is, stops the machine.',
  'PMAP-ENTER-2': 'A mapping entered without READ grants no access.',
  'PMAP-ENTER-3':
    'Entering the same frame again changes rights and wiring and keeps what the processor noted.',
  'PMAP-ENTER-4': 'Entering another frame removes the old mapping first.',
  'PMAP-ENTER-5': 'A fresh mapping of a managed frame is on its list and in the counts.',
  'PMAP-ENTER-6':
    'A mapping carries frame, rights, wiring and cacheability, and replacing a valid one leaves no stale translation.',
  'PMAP-KENTER-1':
    'A direct kernel mapping is writable and wired, listed and counted like any other, and leaves the wire count of the page alone.',
  'PMAP-REMOVE-1': 'Removing a range leaves no mapping, list entry, count or translation of it.',
  'PMAP-RMALL-1':
    'Protecting a page removes all its mappings, or takes WRITE from them, unless it keeps WRITE.',
  'PMAP-PROT-1':
    'Protecting a range removes its mappings without READ, takes WRITE away without WRITE, and else does nothing.',
  'PMAP-WIRE-1':
    'Changing the wiring of a mapping counts it, marks it written to when it is unwired, and ignores what is not mapped.',
  'PMAP-EXTR-1': 'Extraction answers the frame and byte behind a mapped address, and nothing for any other.',
  'PMAP-BIT-1':
    'A page is modified or referenced when any of its mappings says so, and clearing clears them all.',
  'PMAP-ZERO-1': 'Zeroing or copying a frame changes contents only, and leaves no window mapped.',
  'PMAP-UPD-1': 'An update flushes cached translations; advice about pageability and copying has no effect.',
  'PMAP-PT-1':
    'A user page table is a wired page of zeroes; a direct entry that finds no frame for it stops the machine.',
  'PMAP-PT-2': 'A user page table goes with its last valid mapping; kernel page tables stay.',
  'PMAP-REC-1': 'The recursive window shows the tables of the current address space.',
  'PMAP-ALT-1':
    'The tables of another address space are reached through the alternate slot, whose change flushes cached translations.',
  'PMAP-KSYNC-1': 'The kernel slots are the same in every directory.',
  'CPU-1': 'The processor walks directory and table, and faults where either entry is not present.',
  'CPU-2': 'The supervisor ignores the writable bit; user accesses need their rights at both levels.',
  'CPU-3': 'The walk marks a mapping accessed, and dirty on a write.',
  'CPU-4': 'Cached translations may go at any time, and a load of the directory register drops them all.',
  'CPU-5': 'No cached translation outlives the mapping it came from beyond the operation that changed it.',
  'CPU-6': 'Switching address spaces loads the directory register.',
  'CPU-7':
    'An access may cross a page; each page is translated on its own, and bytes written before a trap stay written.',
} as const satisfies Record<string, string>;
