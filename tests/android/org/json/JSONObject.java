package org.json;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/** Reads the files of this project: objects, arrays, whole numbers, and texts without escapes. */
public class JSONObject {
  private final Map<String, Object> values;

  public JSONObject(String json) {
    this(json, new int[] {0});
  }

  private JSONObject(String json, int[] place) {
    values = new LinkedHashMap<>();
    place[0] = skip(json, place[0]) + 1;
    while (json.charAt(place[0] = skip(json, place[0])) != '}') {
      String name = (String) read(json, place);
      place[0] = skip(json, place[0]) + 1;
      values.put(name, read(json, place));
    }
    place[0]++;
  }

  private static int skip(String json, int place) {
    while (" \t\n\r,".indexOf(json.charAt(place)) >= 0) place++;
    return place;
  }

  static Object read(String json, int[] place) {
    int start = place[0] = skip(json, place[0]);
    if (json.charAt(start) == '{') return new JSONObject(json, place);
    if (json.charAt(start) == '[') {
      ArrayList<Object> found = new ArrayList<>();
      place[0]++;
      while (json.charAt(place[0] = skip(json, place[0])) != ']') found.add(read(json, place));
      place[0]++;
      return new JSONArray(found);
    }
    if (json.charAt(start) == '"') {
      place[0] = json.indexOf('"', start + 1) + 1;
      return json.substring(start + 1, place[0] - 1);
    }
    while (place[0] < json.length() && "-0123456789".indexOf(json.charAt(place[0])) >= 0) place[0]++;
    return Integer.valueOf(json.substring(start, place[0]));
  }

  private Object get(String name) {
    if (!values.containsKey(name)) throw new IllegalArgumentException("no value for " + name);
    return values.get(name);
  }

  public int getInt(String name) {
    return (Integer) get(name);
  }

  public String getString(String name) {
    return (String) get(name);
  }

  public JSONObject getJSONObject(String name) {
    return (JSONObject) get(name);
  }

  public JSONArray getJSONArray(String name) {
    return (JSONArray) get(name);
  }

  public Iterator<String> keys() {
    return values.keySet().iterator();
  }
}
