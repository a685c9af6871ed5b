/** As tall as the list that follows, to avoid a layout shift. `label` is the accessible name. */
export function LoadingRows({ label, rows = 16 }: { readonly label: string; readonly rows?: number }) {
  return (
    <div class="loading-rows" role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, row) => (
        <i key={row} />
      ))}
    </div>
  )
}
