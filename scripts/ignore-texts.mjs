/**
 * A plugin of Stryker: a literal of two words or more is a text for people. Specs hold what it must say, and another word in it
 * is no fault.
 */
const texts = {
  shouldIgnore(path) {
    const parts = path.isStringLiteral()
      ? [path.node.value]
      : path.isTemplateLiteral()
        ? path.node.quasis.map(({ value }) => value.raw)
        : [];
    return parts.some((part) => /\w \S/.test(part)) ? 'a text for people' : undefined;
  },
};

export const strykerPlugins = [{ kind: 'Ignore', name: 'texts', value: texts }];
