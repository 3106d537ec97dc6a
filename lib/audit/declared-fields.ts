import { functionCode } from './handler-method.js';
import { nodeAt, nodesAt, parseCode, propertyName, type SyntaxNode } from './parse-code.js';
import type { ValueKind } from './secret-names.js';

/** A field that a class or a schema declares, at whatever depth. */
export interface Field {
  readonly name: string;
  readonly kind: ValueKind;
}

/** Classes that a parameter has for want of a better type. */
const PLAIN = new Set<unknown>([
  Object,
  Array,
  String,
  Number,
  Boolean,
  Function,
  Promise,
  Map,
  Set,
  Buffer,
  Date,
  Symbol,
  BigInt,
]);
const KINDS = new Map<unknown, ValueKind>([
  [String, 'string'],
  [Number, 'number'],
  [BigInt, 'number'],
  [Boolean, 'boolean'],
  [Date, 'other'],
]);

/** So deep are fields of fields looked at. */
const DEEPEST = 4;

/** The fields of a class that was looked at, so that one which many handlers take is read once. */
const known = new WeakMap<object, readonly Field[]>();

/**
 * The fields that a class declares: in its text and that of the classes it extends, and in what Nest Swagger (decorators
 * and the plugin of its compiler), class-validator and TypeORM know of it; or in a schema that it has as a static member,
 * as nestjs-zod and its like make them. Nothing of the application is run but the function that the plugin wrote.
 */
export function fieldsOfClass(type: unknown): readonly Field[] {
  if (typeof type !== 'function' || PLAIN.has(type)) return [];
  const before = known.get(type);
  if (before !== undefined) return before;
  // A class that has itself for a field ends here.
  known.set(type, []);
  const fields = collect(type, 0);
  known.set(type, fields);
  return fields;
}

/** The fields that a schema declares: zod, valibot, arktype, TypeBox and JSON Schema, joi, yup, superstruct. */
export function fieldsOfSchema(schema: unknown): readonly Field[] {
  return schemaFields(schema, 0);
}

/** Whether a value is a schema whose fields can be told. */
export function isSchema(value: unknown): boolean {
  return (typeof value === 'object' || typeof value === 'function') && value !== null && shapeOf(value) !== undefined;
}

/** The fields of what pipes check: a schema or a class in a member, such as `new ZodValidationPipe(schema)`. */
export function fieldsOfPipe(pipe: unknown): readonly Field[] {
  if (typeof pipe !== 'object' || pipe === null) return [];
  const members = valuesOf(pipe);
  const options = members
    .filter((value) => Object.getPrototypeOf(Object(value)) === Object.prototype)
    .flatMap((value) => valuesOf(Object(value)));
  return [...members, ...options].flatMap((value) => {
    if (isSchema(value)) return fieldsOfSchema(value);
    return typeof value === 'function' && /^class\b/.test(functionCode(value)) ? fieldsOfClass(value) : [];
  });
}

/** Members that are values: no getter is asked. */
function valuesOf(object: object): readonly unknown[] {
  return Object.values(Object.getOwnPropertyDescriptors(object)).map(({ value }): unknown => value);
}

function collect(type: object, depth: number): readonly Field[] {
  const found = new Map<string, ValueKind>();
  const nested: Field[] = [];
  const add = (name: string, kind: ValueKind, inside?: unknown): void => {
    found.set(name, kind ?? found.get(name));
    if (depth < DEEPEST) nested.push(...fieldsInside(inside, depth));
  };
  for (const { name, kind } of validatedFields(type)) add(name, kind);
  for (const name of columnsOf(type)) add(name, undefined);
  for (let at: unknown = type; typeof at === 'function' && !PLAIN.has(at); at = Object.getPrototypeOf(at)) {
    if (at === Function.prototype) break;
    for (const { name, kind } of fieldsInText(at)) add(name, kind);
    for (const value of valuesOf(at)) if (isSchema(value)) nested.push(...schemaFields(value, depth));
    const written: unknown = Object.getOwnPropertyDescriptor(at, '_OPENAPI_METADATA_FACTORY')?.value;
    if (typeof written === 'function') {
      for (const [name, about] of Object.entries(attempt(() => Reflect.apply(written, at, [])))) {
        const inside = typeOf(Reflect.get(Object(about), 'type'));
        add(name, KINDS.get(inside), inside);
      }
    }
    const prototype: unknown = at.prototype;
    if (typeof prototype !== 'object' || prototype === null) continue;
    const described: unknown = Reflect.getOwnMetadata('swagger/apiModelPropertiesArray', prototype);
    for (const entry of Array.isArray(described) ? described : []) {
      const name = String(entry).replace(/^:/, '');
      const about: unknown = Reflect.getMetadata('swagger/apiModelProperties', prototype, name);
      const inside = typeOf(Reflect.get(Object(about), 'type'));
      add(name, KINDS.get(inside), inside);
    }
    for (const name of [...found.keys(), ...COMMON_FIELDS]) {
      const design: unknown = Reflect.getOwnMetadata('design:type', prototype, name);
      if (design !== undefined) add(name, KINDS.get(design), design);
    }
  }
  return [...[...found].map(([name, kind]) => ({ name, kind })), ...nested];
}

function fieldsInside(inside: unknown, depth: number): readonly Field[] {
  if (typeof inside !== 'function' || PLAIN.has(inside)) return [];
  const before = known.get(inside);
  if (before !== undefined) return before;
  known.set(inside, []);
  const fields = collect(inside, depth + 1);
  known.set(inside, fields);
  return fields;
}

/** A field that carries any decorator has a type in the metadata, which must be asked for by name. */
const COMMON_FIELDS =
  'password newPassword oldPassword currentPassword confirmPassword passwordConfirmation repeatPassword passwd passphrase passcode pwd token accessToken refreshToken idToken resetToken apiKey secret clientSecret otp totp pin credential verificationCode recoveryCode cardNumber cvv cvc'.split(
    ' ',
  );

/** `() => Type`, `[Type]`, `Type`; a thunk of Swagger is a function without a prototype of its own. */
function typeOf(given: unknown): unknown {
  if (Array.isArray(given)) return typeOf(given[0]);
  if (typeof given !== 'function' || /^class\b/.test(functionCode(given)) || PLAIN.has(given)) return given;
  return given.prototype === undefined ? typeOf(attempt(() => Reflect.apply(given, undefined, []))) : given;
}

function attempt(act: () => unknown): object {
  try {
    return Object(act());
  } catch {
    return {};
  }
}

/** Declared properties, and what the constructor assigns; not what methods name. */
function fieldsInText(type: object): readonly Field[] {
  const code = parseCode(type);
  const body = code?.type === 'ClassExpression' ? nodeAt(code, 'body') : undefined;
  if (body === undefined) return [];
  return nodesAt(body, 'body').flatMap((member) => {
    const name = propertyName(member, 'key');
    if (member['static'] === true || name === undefined) return [];
    if (member.type === 'PropertyDefinition') return [{ name, kind: kindOf(nodeAt(member, 'value')) }];
    return member['kind'] === 'constructor' ? fieldsAssigned(nodeAt(member, 'value')) : [];
  });
}

function fieldsAssigned(constructor: SyntaxNode | undefined): readonly Field[] {
  const body = constructor === undefined ? undefined : nodeAt(constructor, 'body');
  if (body === undefined) return [];
  return nodesAt(body, 'body').flatMap((statement) => {
    const expression = nodeAt(statement, 'expression');
    const left = expression?.type === 'AssignmentExpression' ? nodeAt(expression, 'left') : undefined;
    if (expression === undefined || left?.type !== 'MemberExpression') return [];
    const name = propertyName(left, 'property');
    if (name === undefined || nodeAt(left, 'object')?.type !== 'ThisExpression') return [];
    return [{ name, kind: kindOf(nodeAt(expression, 'right')) }];
  });
}

function kindOf(value: SyntaxNode | undefined): ValueKind {
  if (value?.type === 'UnaryExpression' && value['operator'] === '!') return 'boolean';
  if (value?.type !== 'Literal') return undefined;
  const type = typeof value['value'];
  return type === 'boolean' || type === 'number' || type === 'string' ? type : undefined;
}

/** The names under which class-validator keeps the check of a kind. */
const CHECKS = new Map<unknown, ValueKind>([
  ['isBoolean', 'boolean'],
  ['isNumber', 'number'],
  ['isInt', 'number'],
  ['isString', 'string'],
  ['isStrongPassword', 'string'],
  ['isDate', 'other'],
]);

/** What class-validator knows of a class: its storage is the same for every copy of it. */
function validatedFields(type: object): readonly Field[] {
  const storage: unknown = Reflect.get(globalThis, 'classValidatorMetadataStorage');
  const ask: unknown = Reflect.get(Object(storage), 'getTargetValidationMetadatas');
  if (typeof ask !== 'function') return [];
  const rules: unknown = attempt(() => Reflect.apply(ask, storage, [type, '', true, false]));
  if (!Array.isArray(rules)) return [];
  return rules.map((rule: unknown) => {
    const about = Object(rule);
    return { name: String(about.propertyName), kind: CHECKS.get(about.name ?? about.type) };
  });
}

/** What TypeORM knows of an entity that is taken for a body. */
function columnsOf(type: object): readonly string[] {
  const columns: unknown = Reflect.get(Object(Reflect.get(globalThis, 'typeormMetadataArgsStorage')), 'columns');
  if (!Array.isArray(columns)) return [];
  return columns
    .filter((column: unknown) => Object(column).target === type)
    .map((column) => String(column.propertyName));
}

/** What a schema says: fields by name, and schemas that it is made of. */
interface Shape {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly parts: readonly unknown[];
}

function schemaFields(schema: unknown, depth: number): readonly Field[] {
  if (depth > DEEPEST * 2 || (typeof schema !== 'object' && typeof schema !== 'function') || schema === null) return [];
  const shape = shapeOf(schema);
  if (shape === undefined) return [];
  return [
    ...Object.entries(shape.fields).flatMap(([name, inner]) => [
      { name, kind: kindOfSchema(inner, 0) },
      ...schemaFields(inner, depth + 1),
    ]),
    ...shape.parts.flatMap((part) => schemaFields(part, depth + 1)),
  ];
}

/** The first library that knows a schema as its own. */
function shapeOf(schema: object): Shape | undefined {
  for (const read of [zodShape, valibotShape, arktypeShape, jsonShape, joiShape, yupShape, superstructShape]) {
    const shape = read(schema);
    if (shape !== undefined) return shape;
  }
  return undefined;
}

/** zod 3 and 4, by what a schema keeps of its own definition. */
function zodDefinition(schema: unknown): Record<string, unknown> | undefined {
  const definition: unknown = Object(schema)['_zod']?.def ?? Reflect.get(Object(schema), '_def');
  if (typeof definition !== 'object' || definition === null) return undefined;
  return 'typeName' in definition || 'type' in definition ? { ...definition } : undefined;
}

function zodShape(schema: object): Shape | undefined {
  const definition = zodDefinition(schema);
  if (definition === undefined) return undefined;
  const shape: unknown = Reflect.get(schema, 'shape') ?? definition['shape'];
  const { innerType, in: input, left, right, options, element, getter, items, rest, type, valueType } = definition;
  const listed = [options, items].flatMap((list) => {
    if (list instanceof Map) return [...list.values()];
    return Array.isArray(list) ? list : [];
  });
  const lazy = typeof getter === 'function' ? [attempt(() => Reflect.apply(getter, undefined, []))] : [];
  // What preprocess() lets in is anything; what it gives on is checked.
  const output = zodDefinition(input)?.['type'] === 'transform' ? definition['out'] : undefined;
  // `schema` of an effect and `type` of an array, in zod 3.
  const single = [innerType, definition['schema'], input, output, left, right, element, type, rest, valueType];
  const parts = [...single, ...listed, ...lazy];
  return { fields: typeof shape === 'object' && shape !== null ? { ...shape } : {}, parts };
}

function valibotShape(schema: object): Shape | undefined {
  const { kind, type, entries, wrapped, options, item, rest }: Record<string, unknown> = Object(schema);
  if (kind !== 'schema' || typeof type !== 'string') return undefined;
  const fields = typeof entries === 'object' && entries !== null ? { ...entries } : {};
  return { fields, parts: [wrapped, item, rest, ...(Array.isArray(options) ? options : [])] };
}

/** arktype: a schema is a function that tells its rules as JSON. */
function arktypeShape(schema: object): Shape | undefined {
  if (Object(Reflect.get(schema, '~standard')).vendor !== 'arktype') return undefined;
  return arktypeRules(Reflect.get(schema, 'json'));
}

function arktypeRules(rules: unknown): Shape {
  const branches: readonly unknown[] = Array.isArray(rules) ? rules : [rules];
  const entries = branches.flatMap((branch) => {
    const { required = [], optional = [] } = Object(branch);
    return [required, optional].flat();
  });
  return {
    fields: Object.fromEntries(
      entries.map((entry: unknown) => [String(Object(entry).key), { ark: Object(entry).value }]),
    ),
    parts: [],
  };
}

/** JSON Schema, and TypeBox, whose schemas are JSON Schema. */
function jsonShape(schema: object): Shape | undefined {
  const { ark, properties, items, allOf, anyOf, oneOf, type, $ref }: Record<string, unknown> = Object(schema);
  if (ark !== undefined) return arktypeRules(ark);
  const isObject = typeof properties === 'object' && properties !== null;
  const lists = [allOf, anyOf, oneOf].flatMap((list) => (Array.isArray(list) ? list : []));
  if (!isObject && lists.length === 0 && !(type === 'array' && typeof items === 'object') && $ref === undefined)
    return undefined;
  return { fields: isObject ? { ...properties } : {}, parts: [items, ...lists] };
}

function joiShape(schema: object): Shape | undefined {
  const terms: unknown = Reflect.get(schema, '$_terms');
  if (typeof terms !== 'object' || terms === null) return undefined;
  const listIn = (key: string): readonly unknown[] => {
    const list: unknown = Reflect.get(terms, key);
    return Array.isArray(list) ? list : [];
  };
  return {
    fields: Object.fromEntries(listIn('keys').map((one) => [String(Object(one).key), Object(one).schema])),
    parts: [...listIn('items'), ...listIn('matches').map((one) => Object(one).schema)],
  };
}

function superstructShape(schema: object): Shape | undefined {
  const { type, schema: inner, coercer, refiner }: Record<string, unknown> = Object(schema);
  if (typeof type !== 'string' || typeof coercer !== 'function' || typeof refiner !== 'function') return undefined;
  const ofObject = (type === 'object' || type === 'type') && typeof inner === 'object' && inner !== null;
  return { fields: ofObject ? { ...inner } : {}, parts: ofObject ? [] : [inner] };
}

function yupShape(schema: object): Shape | undefined {
  if (Reflect.get(schema, '__isYupSchema__') !== true) return undefined;
  const { fields, innerType }: Record<string, unknown> = Object(schema);
  return { fields: typeof fields === 'object' && fields !== null ? { ...fields } : {}, parts: [innerType] };
}

const SCHEMA_KINDS: readonly (readonly [RegExp, ValueKind])[] = [
  [/^(?:zod)?string$/i, 'string'],
  [/^(?:zod)?bool(?:ean)?$/i, 'boolean'],
  [/^(?:zod)?(?:number|integer|bigint)$/i, 'number'],
];

/** What kind of value a schema of one field takes; undefined where it is not told. */
function kindOfSchema(schema: unknown, depth: number): ValueKind {
  const own = Object(schema);
  const definition = zodDefinition(schema);
  const inner: unknown = definition?.['innerType'] ?? definition?.['in'] ?? definition?.['schema'] ?? own.wrapped;
  if (inner !== undefined && depth < DEEPEST) return kindOfSchema(inner, depth + 1);
  const type: unknown = definition?.['typeName'] ?? definition?.['type'] ?? own.type ?? own.ark?.domain ?? own.ark;
  const kind = SCHEMA_KINDS.find(([pattern]) => typeof type === 'string' && pattern.test(type))?.[1];
  if (kind !== undefined) return kind;
  // arktype writes a boolean as the two values it has.
  const values: unknown = own.ark;
  return Array.isArray(values) && values.every((one) => typeof Object(one).unit === 'boolean') ? 'boolean' : undefined;
}
