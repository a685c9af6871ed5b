import { signal, untracked } from '@preact/signals'
import { paintWaterfall } from './paint-waterfall.ts'
import { afterNextFrame } from '../../lib/canvas/paint-scheduler.ts'
import { readPalette, type Palette } from '../../lib/canvas/palette.ts'
import { computeWaterfallBars } from './waterfall-bars.ts'
import type { CriticalPath } from '../model/critical-path.ts'
import { isFolded } from '../model/visible-rows.ts'
import { isLarge } from '../model/trace-model.ts'
import { effectiveTheme } from '../../app/theme.ts'
import type { TraceView } from '../trace-view.ts'
import type { TreePainting } from '../../components/tree/timed-tree.tsx'

export function waterfallPainting(view: TraceView): TreePainting {
  const mayTakeLong = signal(!isLarge(view.model.peek()))
  const path = (): CriticalPath | undefined =>
    mayTakeLong.value && view.showsCritical.value ? view.critical.value : undefined
  let palette: Palette | undefined
  let paletteOf: readonly unknown[] = []
  return {
    watch() {
      void [view.model.value, view.rows.value, view.matchSet.value, effectiveTheme.value]
      void path()
    },
    paint(context, { first, last, window, ticks, width, fullWidth }) {
      const model = view.model.peek()
      const critical = untracked(path)
      if (!mayTakeLong.peek()) afterNextFrame(() => (mayTakeLong.value = true))
      if (palette === undefined || paletteOf[0] !== model || paletteOf[1] !== effectiveTheme.peek()) {
        palette = readPalette(model.services.map((service) => service.name))
        paletteOf = [model, effectiveTheme.peek()]
      }
      const collapsed = view.collapsed.peek()
      const unfolded = view.unfolded.peek()
      const matches = view.matchSet.peek()
      const bars = computeWaterfallBars(model, {
        rows: view.rows.peek(),
        first,
        last,
        window,
        width,
        isFolded: (position) => isFolded(model, position, unfolded),
        isCollapsed: (position) => collapsed.size > 0 && collapsed.has(model.spans[position]?.spanId ?? ''),
        ...(critical === undefined ? {} : { path: critical }),
      })
      paintWaterfall(context, {
        model,
        bars,
        window,
        ticks,
        width: fullWidth - 2,
        scaleWidth: width,
        palette,
        isMatch: (position) => matches.has(position),
      })
    },
  }
}
