/** `12 /s`, `3.4 /min`: per second from one in ten seconds up, else per minute or hour. */
export function rateText(perSecond: number): string {
  if (perSecond === 0) return '0 /s'
  if (perSecond >= 0.1) return `${figures(perSecond)} /s`
  if (perSecond * 60 >= 0.1) return `${figures(perSecond * 60)} /min`
  return `${figures(perSecond * 3600)} /h`
}

/** `0 %`, `<0.1 %`, `2.5 %`, `40 %`. */
export function percentText(share: number): string {
  if (share === 0) return '0 %'
  const percent = share * 100
  if (percent < 0.1) return '<0.1 %'
  return `${percent >= 10 ? Math.round(percent) : Number(percent.toFixed(1))} %`
}

/** `7`, `1,204`, `43.2k`, `1.3M`. */
export function countText(count: number): string {
  if (count >= 1e6) return `${Number((count / 1e6).toPrecision(3))}M`
  return count >= 10_000 ? `${Number((count / 1000).toPrecision(3))}k` : Math.round(count).toLocaleString('en')
}

function figures(value: number): string {
  if (value >= 10_000) return `${Number((value / 1000).toPrecision(3))}k`
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return String(Number(value.toPrecision(2)))
}
