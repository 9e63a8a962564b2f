"""Longread for other programs: coding assistants ask it through the Model Context Protocol."""
