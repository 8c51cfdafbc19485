package org.json;

import java.util.List;

public class JSONArray {
  private final List<Object> values;

  JSONArray(List<Object> values) {
    this.values = values;
  }

  public int length() {
    return values.size();
  }

  public JSONObject getJSONObject(int index) {
    return (JSONObject) values.get(index);
  }
}
