interface Column {
  readonly text: string
  readonly class?: string
  readonly title?: string
}

/** The head of a table: a text for each column, or a text with a class or tooltip. */
export function TableHead({ columns }: { readonly columns: readonly (string | Column)[] }) {
  return (
    <thead>
      <tr>
        {columns
          .map((column): Column => (typeof column === 'string' ? { text: column } : column))
          .map(({ text, ...attributes }) => (
            <th key={text} scope="col" {...attributes}>
              {text}
            </th>
          ))}
      </tr>
    </thead>
  )
}

/** A right-aligned column of numbers. */
export function numberColumn(text: string): Column {
  return { text, class: 'number' }
}
