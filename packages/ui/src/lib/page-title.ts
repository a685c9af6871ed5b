import { useEffect } from 'preact/hooks'

export function usePageTitle(name: string): void {
  useEffect(() => {
    document.title = `${name} · Spanlink`
  }, [name])
}
