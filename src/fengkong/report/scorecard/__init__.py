"""What a modeller looks at: pictures, pages and workbooks of the scorecard lab."""
