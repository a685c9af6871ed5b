import type { TraceModel } from '../model/trace-model.ts'
import type { MinimapBars } from './minimap-bars.ts'
import type { Palette } from '../../lib/canvas/palette.ts'

export function paintMinimap(
  context: CanvasRenderingContext2D,
  model: TraceModel,
  bars: MinimapBars,
  palette: Palette,
): void {
  const colors = model.services.map((service) => palette.service(service.name))
  let last = ''
  for (let bar = 0; bar < bars.count; bar += 1) {
    const color = bars.error[bar] === 1 ? palette.error : (colors[bars.service[bar] ?? 0] ?? palette.muted)
    if (color !== last) context.fillStyle = last = color
    const x = bars.x0[bar] ?? 0
    // Leave one pixel between lines if the line height allows it.
    context.fillRect(
      x,
      bars.y[bar] ?? 0,
      (bars.x1[bar] ?? 0) - x,
      bars.lineHeight > 2 ? bars.lineHeight - 1 : bars.lineHeight,
    )
  }
}
