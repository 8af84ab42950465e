/** A 64-bit hash of a text, the same on every machine. */

/**
 * Sixteen hex digits. Two lanes of 32 bits over the text, mixed into one another at the end (the finalizer of MurmurHash3):
 * among a million states two share a hash with a probability of 3 in 10^8.
 */
export function hashOf(text: string): string {
  let one = 0xdead_beef;
  let other = 0x41c6_ce57;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    one = Math.imul(one ^ code, 0x9e37_79b1);
    one = (one << 13) | (one >>> 19);
    other = Math.imul(other ^ code, 0x5f35_6495);
    other = (other << 17) | (other >>> 15);
  }
  one = mixed(one ^ text.length);
  other = mixed(other ^ one);
  return hex(mixed(one + other)) + hex(other);
}

function mixed(word: number): number {
  let value = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2_ae35);
  return value ^ (value >>> 16);
}

const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');
