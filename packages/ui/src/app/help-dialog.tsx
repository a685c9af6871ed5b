import { keyGroups } from './keyboard.ts'
import { Icon } from '../components/buttons/icon.tsx'

const ID = 'keyboard-help'

export function openHelp(): void {
  const dialog = document.getElementById(ID)
  if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal()
}

export function HelpDialog() {
  return (
    <dialog id={ID} class="help" aria-labelledby="keyboard-help-title" onClick={closeOnBackdrop}>
      <form method="dialog">
        <h2 id="keyboard-help-title">Keyboard shortcuts</h2>
        <button class="quiet" aria-label="Close">
          <Icon name="close" />
        </button>
      </form>
      <div class="help-groups">
        {keyGroups.value.toReversed().map((group) => (
          <section key={group.title}>
            <h3>{group.title}</h3>
            <dl>
              {group.bindings.map((binding) => (
                <div key={binding.does}>
                  <dt>
                    {binding.withMod === true && <kbd>{MOD}</kbd>}
                    {binding.keys.map((key) => (
                      <kbd key={key}>{keyNames[key] ?? key}</kbd>
                    ))}
                  </dt>
                  <dd>{binding.does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </dialog>
  )
}

const MOD = navigator.platform.startsWith('Mac') ? '⌘' : 'Ctrl'

const keyNames: Readonly<Record<string, string>> = {
  ArrowDown: '↓',
  ArrowUp: '↑',
  ArrowLeft: '←',
  ArrowRight: '→',
  Escape: 'Esc',
}

function closeOnBackdrop(event: MouseEvent): void {
  if (event.target instanceof HTMLDialogElement) event.target.close()
}
