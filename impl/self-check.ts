/**
 * The audit: do the redundant structures of this implementation still agree with the primary facts?
 *
 * It recomputes by plain scans what the fast structures claim. Maps are checked in self-check-maps.ts, pmaps in
 * self-check-pmap.ts. No hints are kept, so INV-MAP-HINT and INV-MAP-FREEHINT have nothing to say here.
 */
import { frameNumber } from '../contract/address.ts';
import type { AuditFinding } from '../contract/kernel-memory.ts';
import type { Kernel } from './kernel.ts';
import { QUEUE, type Queue } from './page-queues.ts';
import { auditMap } from './self-check-maps.ts';
import { auditPmaps } from './self-check-pmap.ts';
import { freesPagesOnUnmap, type VmObject } from './vm-object.ts';
import { PAGE_FLAG } from './vm-page.ts';

/** Everything that does not hold now; empty on a sound kernel. */
export function audit(kernel: Kernel): AuditFinding[] {
  const findings: AuditFinding[] = [];
  for (const map of kernel.maps.values()) findings.push(...auditMap(map));
  for (const object of kernel.objects.values()) findings.push(...auditObject(kernel, object));
  findings.push(...auditQueues(kernel), ...auditPages(kernel), ...auditPmaps(kernel));
  return findings;
}

const QUEUES: readonly (readonly [string, Queue])[] = [
  ['free', QUEUE.free],
  ['active', QUEUE.active],
  ['inactive', QUEUE.inactive],
];

/** memq, its count, and the index from offset to page describe the same pages. */
function* auditObject(kernel: Kernel, object: VmObject): Generator<AuditFinding, void, void> {
  const { pages } = kernel;
  const invariant = 'INV-OBJ-RESIDENT';
  let count = 0;
  let newest = -1;
  for (let page = object.firstPage; page !== undefined; page = pages.nextInObject(page)) {
    const offset = pages.offsetOf(page);
    if (++count > object.residentCount) break;
    if (pages.objectOf(page) !== object)
      yield { invariant, witness: `page ${page} is listed in ${object.name} but belongs elsewhere` };
    if (pages.lookup(object, offset) !== page)
      yield { invariant, witness: `${object.name} does not find page ${page} at offset ${offset}` };
    if (pages.sequenceOf(page) <= newest)
      yield { invariant, witness: `page ${page} of ${object.name} is listed out of insertion order` };
    newest = pages.sequenceOf(page);
  }
  if (count !== object.residentCount)
    yield { invariant, witness: `${object.name} counts ${object.residentCount} pages but lists ${count}` };
}

/** Links run the same way in both directions, counts are lengths, and every member says which queue it is on. */
function* auditQueues({ pages: { queues } }: Kernel): Generator<AuditFinding, void, void> {
  for (const [name, queue] of QUEUES) {
    const forwards = upTo(queues.count(queue) + 1, queues.pages(queue));
    const backwards = upTo(queues.count(queue) + 1, queues.backwards(queue)).reverse();
    if (forwards.length !== queues.count(queue))
      yield {
        invariant: 'INV-PAGE-COUNTERS',
        witness: `${name} counts ${queues.count(queue)} pages but holds ${forwards.length}`,
      };
    if (forwards.length !== backwards.length || forwards.some((page, i) => page !== backwards[i]))
      yield { invariant: 'INV-AUDIT', witness: `${name} reads differently backwards` };
    for (const page of forwards)
      if (queues.queueOf(page) !== queue)
        yield {
          invariant: 'INV-PAGE-QUEUEEXCL',
          witness: `page ${page} is linked on ${name} but not marked so`,
        };
  }
}

/** The first `limit` items: a broken list may be a ring. */
function upTo<Item>(limit: number, items: Iterable<Item>): Item[] {
  const taken: Item[] = [];
  for (const item of items) {
    if (taken.length === limit) break;
    taken.push(item);
  }
  return taken;
}

/** A page is free or owned; only pages of kernel memory stay FAKE once they are there. */
function* auditPages(kernel: Kernel): Generator<AuditFinding, void, void> {
  const { pages, config } = kernel;
  const onQueue = [0, 0, 0, 0];
  for (let i = 0; i < config.managedPages; i++) {
    const page = frameNumber(i);
    const object = pages.objectOf(page);
    const queue = pages.queues.queueOf(page);
    onQueue[queue] = (onQueue[queue] ?? 0) + 1;
    if ((object === null) !== (queue === QUEUE.free))
      yield {
        invariant: 'INV-AUDIT',
        witness: `page ${page} is ${object === null ? 'neither' : 'both'} free and owned`,
      };
    const placeholder = pages.hasFlag(page, PAGE_FLAG.busy);
    if (pages.hasFlag(page, PAGE_FLAG.fake) && !placeholder && !freesPagesOnUnmap(kernel, object))
      yield { invariant: 'INV-PAGE-FAKE', witness: `page ${page} of ${object?.name} is FAKE but valid` };
  }
  for (const [name, queue] of QUEUES)
    if (onQueue[queue] !== pages.queues.count(queue))
      yield {
        invariant: 'INV-PAGE-COUNTERS',
        witness: `${name} counts ${pages.queues.count(queue)} pages but ${onQueue[queue]} are marked so`,
      };
}
