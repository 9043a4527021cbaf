/** Colors of lines and bars, for light and dark, with a contrast of 3:1 to the page. */
export const CHART_COLORS = {
  accepted: ['#1c6fc4', '#5aaef5'],
  delivered: ['#0f8379', '#3fbcae'],
  failed: ['#d6293e', '#ff7a85'],
  attempts: ['#7a53c7', '#b197fc'],
} as const;
