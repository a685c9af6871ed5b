import { useSignal } from '@preact/signals'
import { Icon } from './icon.tsx'

const SHOWN_MS = 1500

export function CopyButton({ value, label }: { readonly value: string; readonly label: string }) {
  const outcome = useSignal<'none' | 'copied' | 'failed'>('none')
  const copy = async (): Promise<void> => {
    // Without a secure context (plain HTTP on a host other than localhost) there is no clipboard
    // API.
    outcome.value = await (navigator.clipboard?.writeText(value) ?? Promise.reject(new Error('no clipboard'))).then(
      () => 'copied' as const,
      () => 'failed' as const,
    )
    setTimeout(() => (outcome.value = 'none'), SHOWN_MS)
  }
  const caption = { none: label, copied: 'Copied', failed: 'Could not copy. Select the text instead.' }[outcome.value]
  return (
    <button type="button" class="quiet copy" aria-label={caption} title={caption} onClick={() => void copy()}>
      <Icon name={outcome.value === 'copied' ? 'check' : outcome.value === 'failed' ? 'warning' : 'copy'} />
    </button>
  )
}
