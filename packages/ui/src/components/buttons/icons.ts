import arrowLeft from 'lucide-static/icons/arrow-left.svg?raw'
import arrowRight from 'lucide-static/icons/arrow-right.svg?raw'
import check from 'lucide-static/icons/check.svg?raw'
import chevronDown from 'lucide-static/icons/chevron-down.svg?raw'
import chevronRight from 'lucide-static/icons/chevron-right.svg?raw'
import chevronUp from 'lucide-static/icons/chevron-up.svg?raw'
import collapse from 'lucide-static/icons/chevrons-down-up.svg?raw'
import expand from 'lucide-static/icons/chevrons-up-down.svg?raw'
import error from 'lucide-static/icons/circle-alert.svg?raw'
import copy from 'lucide-static/icons/copy.svg?raw'
import info from 'lucide-static/icons/info.svg?raw'
import keyboard from 'lucide-static/icons/keyboard.svg?raw'
import flow from 'lucide-static/icons/workflow.svg?raw'
import whole from 'lucide-static/icons/maximize-2.svg?raw'
import dark from 'lucide-static/icons/moon.svg?raw'
import pause from 'lucide-static/icons/pause.svg?raw'
import play from 'lucide-static/icons/play.svg?raw'
import plug from 'lucide-static/icons/plug.svg?raw'
import search from 'lucide-static/icons/search.svg?raw'
import topic from 'lucide-static/icons/rows-3.svg?raw'
import group from 'lucide-static/icons/users.svg?raw'
import light from 'lucide-static/icons/sun.svg?raw'
import system from 'lucide-static/icons/monitor.svg?raw'
import unplugged from 'lucide-static/icons/unplug.svg?raw'
import warning from 'lucide-static/icons/triangle-alert.svg?raw'
import close from 'lucide-static/icons/x.svg?raw'

/**
 * All icons of the UI. `linkOut` always points back to the producer, `linkIn` on to the consumer.
 */
export const icons = {
  linkOut: arrowLeft,
  linkIn: arrowRight,
  check,
  chevronDown,
  chevronRight,
  chevronUp,
  close,
  collapse,
  copy,
  dark,
  error,
  expand,
  flow,
  group,
  info,
  keyboard,
  light,
  pause,
  play,
  plug,
  search,
  system,
  topic,
  unplugged,
  warning,
  whole,
} as const

export type IconName = keyof typeof icons
