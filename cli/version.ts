import { readFileSync } from 'node:fs';

/** The version of this package, whether it runs from its sources or built. */
export function version(): string {
  for (const place of ['../package.json', '../../package.json']) {
    try {
      const text = readFileSync(new URL(place, import.meta.url), 'utf8');
      return String((JSON.parse(text) as { version?: unknown }).version);
    } catch {}
  }
  return 'unknown';
}
