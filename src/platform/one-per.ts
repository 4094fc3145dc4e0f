/** Returns a function that makes one value per key: the first time that it is asked for. */
export function onePer<K extends object, V>(): (key: K, make: () => V) => V {
  const values = new WeakMap<K, { readonly value: V }>();
  return (key, make) => {
    const known = values.get(key);
    if (known) return known.value;
    const value = make();
    values.set(key, { value });
    return value;
  };
}
