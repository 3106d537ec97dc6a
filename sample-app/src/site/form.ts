/** The fields of a posted form, as either adapter's parser leaves them. */
export type Form = Readonly<Record<string, unknown>> | undefined;

/** A field as text without blanks around it; undefined when it was not sent as one text. */
export function textOf(form: Form, field: string): string | undefined {
  const value = form?.[field];
  return typeof value === 'string' ? value.trim() : undefined;
}
