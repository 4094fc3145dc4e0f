/** Compiles the functions that check requests and serialize answers. All of them would take most of the time that the API starts. */
import AjvCompiler from "@fastify/ajv-compiler";
import SerializerSelector from "@fastify/fast-json-stringify-compiler";

declare module "fastify" {
  interface FastifyInstance {
    /** Compiles all schemas, for a test. @throws if one is wrong */
    compileSchemas(): void;
  }
}

type Validators = ReturnType<typeof AjvCompiler>;
type Validator = ReturnType<ReturnType<Validators>>;
type Serializers = ReturnType<typeof SerializerSelector>;
type Serializer = ReturnType<ReturnType<Serializers>>;

/** Each function is compiled at its first call. Call this once per app, and add all shared schemas before the routes. */
export function lazyCompilers() {
  const compilers: (() => unknown)[] = [];
  return {
    buildValidator: lazyValidators(compilers),
    buildSerializer: lazySerializers(compilers),
    compileAll: () => {
      for (const compile of compilers) compile();
    },
  };
}

function lazyValidators(compilers: (() => unknown)[]): Validators {
  const build = AjvCompiler();
  return (shared, options) => {
    const compiler = once(() => build(shared, options));
    return (route) => {
      const compile = once(() => compiler()(withPlainNulls(route)));
      compilers.push(compile);
      const validate = (...call: Parameters<Validator>) => {
        const validator = compile();
        return validator(...call) || { error: validator.errors };
      };
      // Fastify only passes the parent of a value, which ajv changes to coerce the value, if `schemaEnv` is set.
      return Object.assign(validate, { schemaEnv: {} }) as unknown as Validator;
    };
  };
}

/**
 * ajv changes "", 0 and false into null where `type` allows null, so that a wrong value would clear a field. A constant accepts
 * null alone.
 */
function withPlainNulls<Route>(route: Route): Route {
  const isNull = (value: unknown) =>
    typeof value === "object" && value !== null && "type" in value && value.type === "null";
  return JSON.parse(JSON.stringify(route), (_key, value) => (isNull(value) ? { const: null } : value));
}

/** One function per schema instead of one per route and status, with only the shared schemas that it refers to. */
function lazySerializers(compilers: (() => unknown)[]): Serializers {
  const build = SerializerSelector();
  const known = new Map<string, Serializer>();
  return (shared, options) => (route) => {
    const compile = once(() => {
      const key = JSON.stringify(route.schema);
      const plain = { ...route, schema: withNullable(route.schema) };
      const serializer = known.get(key) ?? build(withNullable(schemasIn(shared, key)), options)(plain);
      known.set(key, serializer);
      return serializer;
    });
    compilers.push(compile);
    return (value) => compile()(value);
  };
}

/**
 * For `anyOf`, the serializer asks ajv which schema each value matches, which takes half of its time for a page of 1,000 tasks.
 * `nullable` compiles to a comparison with null.
 */
function withNullable<Schema>(schema: Schema): Schema {
  return JSON.parse(JSON.stringify(schema), (_key, value) => {
    const [first, second, ...others] = Array.isArray(value?.anyOf) ? value.anyOf : [];
    const isNullable = typeof first?.type === "string" && second?.type === "null" && others.length === 0;
    return isNullable ? { ...first, nullable: true } : value;
  });
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** Returns the shared schemas that the JSON of a schema refers to, directly or indirectly. */
function schemasIn(shared: unknown, json: string): Record<string, unknown> {
  const all = new Map(Object.entries(shared ?? {}));
  const found = new Map<string, unknown>();
  const texts = [json];
  for (const text of texts) {
    for (const [, name = ""] of text.matchAll(/"\$ref":"([^"#]+)/g)) {
      if (found.has(name) || !all.has(name)) continue;
      found.set(name, all.get(name));
      texts.push(JSON.stringify(all.get(name)));
    }
  }
  return Object.fromEntries(found);
}
