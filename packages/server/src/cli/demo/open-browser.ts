import { spawn } from 'node:child_process'
import process from 'node:process'

/** Opens a URL in the desktop's browser, if there is one. */
export function openBrowser(url: string): void {
  const isMac = process.platform === 'darwin'
  if (!isMac && !process.env['DISPLAY'] && !process.env['WAYLAND_DISPLAY']) return
  const child = spawn(isMac ? 'open' : 'xdg-open', [url], { stdio: 'ignore', detached: true })
  // Without xdg-open the printed URL has to do.
  child.on('error', () => {})
  child.unref()
}
