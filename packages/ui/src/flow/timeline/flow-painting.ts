import { computeFlowBars } from './flow-bars.ts'
import { paintFlow } from './paint-flow.ts'
import { readPalette, type Palette } from '../../lib/canvas/palette.ts'
import { collectServices } from '../model/flow-model.ts'
import type { FlowView } from '../flow-view.ts'
import { effectiveTheme } from '../../app/theme.ts'
import type { TreePainting } from '../../components/tree/timed-tree.tsx'

export function flowPainting(view: FlowView): TreePainting {
  let palette: Palette | undefined
  let paletteOf: readonly unknown[] = []
  return {
    watch: () => void [view.model.value, view.rows.value, effectiveTheme.value],
    paint(context, { first, last, window, ticks, width, fullWidth }) {
      const model = view.model.peek()
      const wanted = [model, view.open.peek(), effectiveTheme.peek()]
      if (palette === undefined || wanted.some((one, index) => one !== paletteOf[index])) {
        palette = readPalette(collectServices(model, view.open.peek().values()))
        paletteOf = wanted
      }
      const rows = view.rows.peek()
      const bars = computeFlowBars(model, { rows, rowByLane: view.rowByLane.peek(), first, last, window, width })
      paintFlow(context, { bars, window, ticks, width: fullWidth - 2, scaleWidth: width, palette })
    },
  }
}
