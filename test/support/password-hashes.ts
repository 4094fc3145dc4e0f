/** Hashes the password of test users once. One hash takes 20 ms of a core, and the tests create a thousand users. */
import argon2 from "argon2";
import { PASSWORD } from "./auth.ts";

const known = new Map<string, unknown>();

argon2.hash = new Proxy(argon2.hash, {
  apply(hash, self, call: Parameters<typeof argon2.hash>) {
    const [password, options] = call;
    if (password !== PASSWORD) return Reflect.apply(hash, self, call);
    const key = JSON.stringify(options);
    const hashed = known.get(key) ?? Reflect.apply(hash, self, call);
    known.set(key, hashed);
    return hashed;
  },
});
