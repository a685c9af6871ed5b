import { propagation, type Attributes, type Baggage, type Context } from '@opentelemetry/api'

/** `context` with the entries of `under` that it doesn't have itself. */
export function mergeBaggage(context: Context, under: Baggage | undefined): Context {
  const over = propagation.getBaggage(context)
  if (under === undefined || under === over) return context
  if (over === undefined) return propagation.setBaggage(context, under)
  let merged = under
  for (const [key, entry] of over.getAllEntries()) merged = merged.setEntry(key, entry)
  return propagation.setBaggage(context, merged)
}

/** The entries that all of `baggages` have with the same value. */
export function intersectBaggage(baggages: readonly Baggage[]): Baggage | undefined {
  const [first] = baggages
  if (first === undefined) return undefined
  const conflicting = first
    .getAllEntries()
    .filter(([key, entry]) => baggages.some((other) => other.getEntry(key)?.value !== entry.value))
    .map(([key]) => key)
  const agreed = first.removeEntries(...conflicting)
  return agreed.getAllEntries().length > 0 ? agreed : undefined
}

/** The baggage entries of `context` that `names` allows, as attributes. */
export function readBaggageAttributes(context: Context, names: readonly string[]): Attributes | undefined {
  if (names.length === 0) return undefined
  const baggage = propagation.getBaggage(context)
  if (baggage === undefined) return undefined
  const attributes: Attributes = {}
  for (const name of names) {
    const entry = baggage.getEntry(name)
    if (entry !== undefined) attributes[name] = entry.value
  }
  return attributes
}
