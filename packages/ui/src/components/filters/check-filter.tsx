export function CheckFilter(props: {
  readonly label: string
  readonly title?: string
  readonly checked: boolean
  readonly onSet: (checked: boolean) => void
}) {
  return (
    <label class="check" title={props.title}>
      <input type="checkbox" checked={props.checked} onChange={(event) => props.onSet(event.currentTarget.checked)} />
      {props.label}
    </label>
  )
}
