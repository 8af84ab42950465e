/** Changing single fields of plain data, named by their path. */

/** A copy of `data` with the field at `path` (as `maps.sub0.entries[0].start`) set to `value`; undefined removes it. */
export function withField<Data>(data: Data, path: string, value: unknown): Data {
  const copy = structuredClone(data);
  const keys = path.replaceAll(/\[(\d+)\]/g, '.$1').split('.');
  const last = keys.pop();
  let target: unknown = copy;
  for (const key of keys) target = fieldOf(target, key, path);
  if (typeof target !== 'object' || target === null || last === undefined) throw new Error(`no ${path}`);
  if (value === undefined) Reflect.deleteProperty(target, last);
  else Reflect.set(target, last, value);
  return copy;
}

/** The value at a path. */
export function fieldAt(data: unknown, path: string): unknown {
  const keys = path.replaceAll(/\[(\d+)\]/g, '.$1').split('.');
  return keys.reduce((target: unknown, key) => fieldOf(target, key, path), data);
}

function fieldOf(target: unknown, key: string, path: string): unknown {
  if (typeof target !== 'object' || target === null || !Object.hasOwn(target, key))
    throw new Error(`no ${path}`);
  return Reflect.get(target, key);
}
