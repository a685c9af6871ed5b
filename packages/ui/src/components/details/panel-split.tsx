import { signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { Splitter } from '../splitter.tsx'

/** Kept until the page is reloaded, so the chosen width also applies to the next trace. */
const width = signal(440)

export function PanelSplit(props: { readonly main: ComponentChildren; readonly panel: ComponentChildren | undefined }) {
  const isOpen = props.panel !== undefined
  return (
    <div class="panel-split" style={{ '--panel-width': isOpen ? `${width.value}px` : '0px' }}>
      {props.main}
      {isOpen && (
        <>
          <Splitter
            label="Resize details"
            size={width.value}
            min={300}
            max={900}
            side={-1}
            onResize={(size) => (width.value = size)}
          />
          {props.panel}
        </>
      )}
    </div>
  )
}
