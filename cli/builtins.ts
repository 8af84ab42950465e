/**
 * Notices when an outside kernel has replaced what the language brings along: then nothing else in its thread, our code
 * included, can be believed. Additions are left alone. Asked for only after the damage may have been done, so nothing here
 * relies on a method that could be replaced.
 */
const { ownKeys } = Reflect;
const { getOwnPropertyDescriptor, getPrototypeOf, is } = Object;

/** Objects whose members we and the engine's own libraries live on, by the name to tell. */
const HOMES: readonly (readonly [string, object])[] = [
  ['Object', Object],
  ['Object.prototype', Object.prototype],
  ['Function.prototype', Function.prototype],
  ['Array', Array],
  ['Array.prototype', Array.prototype],
  ['array iterators', getPrototypeOf([][Symbol.iterator]())],
  ['Map.prototype', Map.prototype],
  ['map iterators', getPrototypeOf(new Map()[Symbol.iterator]())],
  ['Set.prototype', Set.prototype],
  ['WeakMap.prototype', WeakMap.prototype],
  ['String', String],
  ['String.prototype', String.prototype],
  ['Number', Number],
  ['Number.prototype', Number.prototype],
  ['RegExp.prototype', RegExp.prototype],
  ['Int32Array.prototype', Int32Array.prototype],
  ['typed arrays', getPrototypeOf(Int32Array.prototype)],
  ['Promise', Promise],
  ['Promise.prototype', Promise.prototype],
  ['Error', Error],
  ['Error.prototype', Error.prototype],
  ['JSON', JSON],
  ['Math', Math],
  ['Reflect', Reflect],
  ['Atomics', Atomics],
];

interface Member {
  readonly home: object;
  readonly key: string | symbol;
  readonly name: string;
  readonly value: unknown;
  readonly getter: unknown;
}

/** The members as they are now; call it before the kernel is loaded. */
export class Builtins {
  readonly #members: Member[] = [];

  constructor() {
    for (const [name, home] of HOMES)
      for (const key of ownKeys(home)) {
        const { value, get } = getOwnPropertyDescriptor(home, key) ?? {};
        this.#members.push({ home, key, name: `${name}.${String(key)}`, value, getter: get });
      }
  }

  /** The name of a member that is no longer what it was; null where all are. */
  replaced(): string | null {
    for (let i = 0; i < this.#members.length; i += 1) {
      const member = this.#members[i];
      if (member === undefined) continue;
      const now = getOwnPropertyDescriptor(member.home, member.key);
      if (now === undefined || !is(now.value, member.value) || now.get !== member.getter) return member.name;
    }
    return null;
  }
}
